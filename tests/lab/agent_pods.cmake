podroute_tests(agent-pods-lab-test
               SOURCES agent_lab.cc agent_pods.cc agent_pods_bridge_test.cc agent_pods_leftovers_test.cc agent_pods_listeners_test.cc
                       agent_pods_open_test.cc agent_pods_packets_test.cc agent_pods_refused_test.cc
               LINK podroute::fakes podroute::lab podroute::agent_image podroute::agent_parts LABELS lab)
