#include "reports/read_json.h"

#include "model/change_json.h"
#include "model/report.h"

namespace podroute {
namespace {

using codec::DecodeError;
using codec::json;

constexpr std::size_t kMaxFixes = 1'000'000;
constexpr std::size_t kMaxText = 8192;  // bytes of a name, reason or command

const json& member(const json& object, const char* name) {
    if (!object.is_object()) throw DecodeError("an object is wanted");
    const auto at = object.find(name);
    if (at == object.end()) throw DecodeError(std::string("'") + name + "' is missing");
    return *at;
}

const json& list(const json& object, const char* name) {
    const json& found = member(object, name);
    if (!found.is_array()) throw DecodeError(std::string("'") + name + "' is no list");
    if (found.size() > kMaxFixes) throw DecodeError(std::string("'") + name + "' is too long");
    return found;
}

std::string text(const json& object, const char* name) {
    std::string value;
    codec::get(member(object, name), value);
    value.resize(std::min(value.size(), kMaxText));
    return value;
}

Inventory read_inventory(const json& report) {
    Inventory inventory;
    for (const json& j : list(member(report, "inventory"), "hosts")) {
        InventoryHost host;
        host.name = text(j, "name");
        host.fqdn = text(j, "fqdn");
        codec::get(member(j, "addresses"), host.addresses);
        codec::get(member(j, "pod_cidrs"), host.pod_cidrs);
        inventory.hosts.push_back(std::move(host));
    }
    if (const auto valid = validate(inventory); !valid) throw DecodeError("inventory: " + valid.error().text);
    return inventory;
}

Fix read_fix(const json& j, const Inventory& inventory, bool unfinished) {
    Fix fix;
    fix.id = text(j, "id");
    fix.host = text(j, "host");
    fix.cause = text(j, "cause");
    fix.command = text(j, "command");
    codec::get(member(j, "status"), fix.status);
    codec::get(member(j, "change"), fix.change);
    // Nothing in the kernel says which run made a route, so that only a person can tell.
    if (unfinished && fix.status == FixStatus::planned) {
        fix.status = FixStatus::applied;
        fix.reason =
            "the run was killed before it said that it kept this; a later run may have made the same";
    }
    if (inventory.find(fix.host) == nullptr)
        throw DecodeError("'" + fix.host.substr(0, 60) + "' is no host of the report's inventory");
    return fix;
}

ReportedFixes read(const json& report) {
    if (text(report, "schema") != "podroute.report/1") throw DecodeError("no podroute.report/1");
    ReportedFixes found;
    found.run = text(member(report, "run"), "id");
    found.inventory = read_inventory(report);
    const bool unfinished = text(member(report, "run"), "verdict") == to_string(RunVerdict::aborted);
    const json& fixes = list(report, "fixes");
    for (std::size_t i = 0; i < fixes.size(); ++i) {
        try {
            found.fixes.push_back(read_fix(fixes[i], found.inventory, unfinished));
        } catch (const DecodeError& e) {
            throw DecodeError("fixes[" + std::to_string(i) + "]: " + e.what());
        }
    }
    return found;
}

}  // namespace

Result<ReportedFixes> read_fixes(std::string_view bytes) {
    const auto parsed = codec::parse_untrusted(bytes, kMaxReportBytes);
    if (!parsed) return failure("bad-report", parsed.error().text);
    try {
        return read(*parsed);
    } catch (const DecodeError& e) {
        return failure("bad-report", e.what());
    } catch (const json::exception& e) {
        return failure("bad-report", e.what());
    }
}

}  // namespace podroute
