// The journal's codec.
#include <algorithm>

#include "agent/changes.h"
#include "agent/journal.h"
#include "model/change_json.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
constexpr std::size_t kMaxChanges = 4096;

tl::unexpected<Error> damaged(const std::string& why) {
    return failure("journal", "damaged: " + why.substr(0, 200));
}

bool graphic(std::string_view text, std::size_t limit) {
    return text.size() <= limit &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

template <class V>
void fields(V& v, Journal& x, const Journal& d) {
    PODROUTE_FIELD(version), PODROUTE_FIELD(run), PODROUTE_FIELD(started), PODROUTE_FIELD(boot);
    PODROUTE_FIELD(network), PODROUTE_FIELD(changes);
}

std::string journal_to_json(const Journal& journal) {
    auto j = codec::put(journal);
    j["version"] = journal.version;
    return j.dump(-1, ' ', false, codec::json::error_handler_t::replace);
}

Result<Journal> journal_from_json(std::string_view bytes) {
    const auto parsed = codec::parse_untrusted(bytes, kMaxBytes);
    if (!parsed) return damaged(parsed.error().text);
    if (!parsed->is_object() || !parsed->contains("version") || !parsed->contains("changes"))
        return damaged("no journal");
    Journal journal;
    try {
        codec::get(*parsed, journal);
    } catch (const codec::DecodeError& e) {
        return damaged(e.what());
    } catch (const codec::json::exception& e) {
        return damaged(e.what());
    }
    if (journal.version != Journal{}.version) return damaged("of another version");
    if (!valid_run(journal.run) || !graphic(journal.started, 64) || !graphic(journal.boot, 64) ||
        !graphic(journal.network, 64))
        return damaged("a run that is none");
    if (journal.changes.size() > kMaxChanges) return damaged("too many changes");
    for (const auto& change : journal.changes)
        if (const auto good = well_formed(change); !good) return damaged(good.error().text);
    return journal;
}

bool valid_run(std::string_view run) {
    constexpr std::size_t kLongest = 64;
    return !run.empty() && run.size() <= kLongest && run.front() != '.' &&
           std::all_of(run.begin(), run.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
           });
}

}  // namespace podroute::agent
