// sshd passes no ASAN_OPTIONS: an exit code of its own tells a sanitizer's finding from any other end.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier): the runtime's name
extern "C" const char* __asan_default_options() {
    return "exitcode=99:detect_leaks=1";
}  // NOLINT(bugprone-reserved-identifier)
