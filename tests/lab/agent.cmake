podroute_tests(agent-lab-test SOURCES agent_lab.cc agent_packets_test.cc agent_tables_test.cc
               LINK podroute::fakes podroute::lab podroute::agent_image LABELS lab)
podroute_tests(agent-fix-test SOURCES agent_lab.cc agent_fix.cc agent_apply_test.cc agent_fix_life_test.cc agent_fix_service_test.cc
                                     agent_neighbours_test.cc
               LINK podroute::fakes podroute::lab podroute::agent_image podroute::agent_parts LABELS lab)
