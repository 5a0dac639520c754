// podroute explain: what a code means, how it is told apart, how to mend it.
#include <fmt/format.h>

#include "checks/catalogue.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;

void list_codes() {
    for (const auto kind : {CodeKind::cause, CodeKind::check}) {
        print(kind == CodeKind::cause ? "causes (what is wrong)\n" : "\nchecks (what is asserted)\n");
        for (const auto& entry : catalogue())
            if (entry.kind == kind) print(fmt::format("  {:<24}{}\n", entry.code, entry.title));
    }
}

}  // namespace

int run(const Explain& options) {
    if (options.words.empty()) {
        list_codes();
        return 0;
    }
    std::string text;
    for (const auto& word : options.words) text += (text.empty() ? "" : " ") + word;
    if (const auto page = explain_page(text)) {
        print(*page);
        return 0;
    }
    const auto codes = match_message(text);
    if (codes.empty()) {
        fmt::print(stderr,
                   "podroute explain: '{}' is no code and no message that is known; 'podroute explain' lists "
                   "all codes\n",
                   sanitize(text));
        return kBadUsage;
    }
    print("this message is seen with:\n");
    for (const auto code : codes) print(fmt::format("  podroute explain {}\n", code));
    print("\n" + std::string(*explain_page(codes.front())));
    return 0;
}

}  // namespace podroute::cli
