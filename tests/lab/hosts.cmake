podroute_tests(hosts-lab-test SOURCES hosts_sshd.cc hosts_access_test.cc hosts_host_key_test.cc hosts_leftovers_test.cc
               LINK podroute::hosts podroute::lab podroute::agent_image LABELS lab)
