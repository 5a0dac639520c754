podroute_tests(engine-test
    SOURCES engine_expected_test.cc engine_fib_test.cc engine_classify_test.cc engine_walk_test.cc
            engine_judge_test.cc engine_login_text_test.cc engine_fix_plan_test.cc engine_fix_refusals_test.cc engine_fix_forwarding_test.cc engine_stand_ins_test.cc engine_undo_test.cc engine_packets_test.cc engine_chance_test.cc engine_places_test.cc engine_cloud_test.cc
    LINK podroute::engine dep::gmock LABELS unit)
