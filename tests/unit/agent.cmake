podroute_tests(agent-test SOURCES agent_changes_test.cc agent_files_test.cc agent_image_test.cc agent_interfaces_test.cc agent_journal_test.cc agent_life_test.cc
                                  agent_neighbour_statistics_test.cc agent_pod_address_test.cc agent_wall_clock_test.cc
               LINK podroute::agent_parts podroute::agent_image podroute::fakes dep::pcap LABELS unit)
