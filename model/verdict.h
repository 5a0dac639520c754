// What a check says of one subject, and the causes it puts forward.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/policy.h"

namespace podroute {

enum class Status : std::uint8_t { pass, fail, warn, skip, unknown };
std::string_view to_string(Status status);

enum class Severity : std::uint8_t { error, warning, info };
std::string_view to_string(Severity severity);

// Whether --fix may mend it: add = with --fix, repair = with --fix=repair, never.
enum class Automatic : std::uint8_t { add, repair, never };
std::string_view to_string(Automatic automatic);

// One object at fault. `host` is the host whose state must change; empty where no host is (report: null).
struct Cause {
    std::string code;  // faults.md
    Severity severity = Severity::error;
    HostId host;
    std::string subject;  // the object: a prefix, link, sysctl, address
    std::string summary;  // one plain sentence in lower case, no full stop
    std::vector<std::string> evidence;
    std::vector<HostChange> remedy;     // as an overlay for walk(); empty: none can be predicted
    std::vector<std::string> commands;  // what a person would type to mend it
    Automatic automatic = Automatic::never;

    bool operator==(const Cause&) const = default;
};

struct Verdict {
    std::string check;  // code of the check
    Layer layer = Layer::inventory;
    HostId host;  // empty: the cluster as a whole
    std::string subject;
    Status status = Status::unknown;
    std::string message;   // one line
    std::string expected;  // both empty where a comparison says nothing
    std::string observed;
    std::string blocked_by;     // skip, unknown: what stood in the way (a check id or a cause code)
    std::vector<Cause> causes;  // of a fail or warn
    HostId peer{};              // the other end, where the subject is a pair

    bool operator==(const Verdict&) const = default;
};

}  // namespace podroute
