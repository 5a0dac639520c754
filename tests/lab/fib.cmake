podroute_tests(fib-kernel-test
    SOURCES fib_kernel_test.cc fib_kernel_ask.cc fib_kernel_dump.cc fib_kernel_random.cc
    LINK podroute::engine dep::json LABELS lab TIMEOUT 300)
