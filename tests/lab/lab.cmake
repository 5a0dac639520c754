podroute_tests(lab-test SOURCES lab_hosts_test.cc lab_judge_test.cc lab_life_test.cc lab_pairs_test.cc
               LINK podroute::lab dep::fmt LABELS lab TIMEOUT 1500 SERIAL "LabLife.AHundredNodesAnswerEachOther")
# Thousands of commands in hosts: without sanitizers, whose shadow makes each fork a long one.
podroute_tests(lab-faults-test SOURCES lab_faults_test.cc LINK podroute::lab dep::fmt LABELS e2e TIMEOUT 1500 COST 500)
