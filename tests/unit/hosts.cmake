podroute_tests(hosts-test SOURCES hosts_bootstrap_test.cc hosts_collect_test.cc hosts_config_test.cc hosts_errors_test.cc
               hosts_transport_test.cc LINK podroute::hosts LABELS unit)
# What runs on many threads: also under TSan.
podroute_tests(hosts-parallel-test SOURCES hosts_fleet_test.cc hosts_observe_test.cc hosts_probes_test.cc hosts_repair_test.cc
               LINK podroute::hosts podroute::probes LABELS parallel)
