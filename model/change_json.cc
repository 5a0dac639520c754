// Changes in reports.
#include "model/change_json.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

}  // namespace

std::string change_to_json(const Change& change) {
    // Both states always stand there: absent is null.
    const codec::json j{{"object", codec::put(change.object)},
                        {"before", codec::put(change.before)},
                        {"after", codec::put(change.after)}};
    return j.dump(-1, ' ', false, codec::json::error_handler_t::replace);
}

Result<Change> change_from_json(std::string_view bytes) {
    const auto parsed = codec::parse_untrusted(bytes, kMaxBytes);
    if (!parsed) return tl::unexpected(parsed.error());
    if (!parsed->is_object() || !parsed->contains("object"))
        return failure("bad-change", "a change names its object");
    try {
        Change change;
        codec::get(*parsed, change);
        return change;
    } catch (const codec::DecodeError& e) {
        return failure("bad-change", e.what());
    } catch (const codec::json::exception& e) {
        return failure("bad-change", e.what());
    }
}

}  // namespace podroute
