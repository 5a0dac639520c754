podroute_tests(model-test SOURCES model_ip_test.cc model_machines_txt_test.cc model_wire_test.cc model_snapshot_test.cc
               LINK podroute::model LABELS unit)
