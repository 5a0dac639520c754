podroute_tests(probes-lab-test SOURCES probes_kernel_test.cc probes_packets_test.cc LINK podroute::probes dep::threads LABELS lab)
