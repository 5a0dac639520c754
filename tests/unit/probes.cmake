podroute_tests(probes-test SOURCES probes_answers_test.cc probes_arp_test.cc probes_ends_test.cc probes_filter_test.cc probes_host_clocks_test.cc
                                   probes_legs_test.cc probes_losses_test.cc probes_neighbour_prober_test.cc probes_packet_test.cc
                                   probes_pairs_test.cc probes_pcapng_test.cc probes_pods_test.cc probes_probe_filter_test.cc
                                   probes_rounds_test.cc probes_sizes_test.cc
               LINK podroute::probes LABELS unit)
