// What a static program does when an exception is caught by nobody. libstdc++'s own handler prints the type
// by its demangler, and brings 50 KB and more of it into every agent that goes over the wire.
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace __gnu_cxx {  // NOLINT(bugprone-reserved-identifier)

void __verbose_terminate_handler();   // NOLINT(bugprone-reserved-identifier)
void __verbose_terminate_handler() {  // NOLINT(bugprone-reserved-identifier)
    constexpr std::string_view kWhy = "podroute-agent: an exception that nobody caught\n";
    static_cast<void>(!write(STDERR_FILENO, kWhy.data(), kWhy.size()));
    std::abort();
}

}  // namespace __gnu_cxx
