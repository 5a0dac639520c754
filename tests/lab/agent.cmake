podroute_tests(agent-lab-test SOURCES agent_lab.cc agent_packets_test.cc agent_tables_test.cc
               LINK podroute::fakes podroute::agent_image LABELS lab)
