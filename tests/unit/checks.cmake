podroute_tests(checks-test SOURCES checks_catalogue_test.cc checks_links_test.cc checks_own_network_test.cc checks_packets_test.cc checks_forwarding_test.cc
                                   checks_routes_test.cc checks_tables_test.cc
               LINK podroute::checks LABELS unit)
