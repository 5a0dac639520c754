podroute_tests(lab-test SOURCES lab_faults_test.cc lab_hosts_test.cc lab_judge_test.cc lab_life_test.cc lab_pairs_test.cc
               LINK podroute::lab dep::fmt LABELS lab TIMEOUT 1500 SERIAL "LabLife.AHundredNodesAnswerEachOther")
