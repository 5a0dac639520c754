podroute_tests(lab-unit-test SOURCES lab_topology_test.cc LINK podroute::lab dep::gmock LABELS unit)
