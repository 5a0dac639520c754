podroute_tests(reports-test SOURCES reports_files_test.cc reports_junit_test.cc reports_progress_test.cc reports_read_test.cc
                                    reports_schema_test.cc reports_terminal_test.cc reports_text_test.cc
                                    ${CMAKE_SOURCE_DIR}/tests/golden/sample_reports.cc
               LINK podroute::reports LABELS unit)
target_compile_definitions(reports-test PRIVATE PODROUTE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
