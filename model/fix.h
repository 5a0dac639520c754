// What --fix planned and did: fixes[] of the report, and what undo reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/change.h"

namespace podroute {

enum class FixStatus : std::uint8_t { planned, applied, already, refused, failed, reverted, undone };
std::string_view to_string(FixStatus status);

struct Fix {
    std::string id;  // unique in the report, the same from run to run: "HOST/CAUSE/OBJECT"
    HostId host;
    std::string cause;  // code
    Change change;
    std::string command;  // what a person would type for the same
    FixStatus status = FixStatus::planned;
    std::string reason;               // of all but planned and applied
    std::vector<std::string> diff{};  // the change as `ip route` or sysctl prints it, "- before", "+ after"

    bool operator==(const Fix&) const = default;
};

// What became of one change on a host, as its agent says.
struct ChangeOutcome {
    FixStatus status = FixStatus::failed;  // applied, already, refused, failed, reverted
    std::string reason;                    // one plain sentence, empty for applied
    std::optional<State> found;            // the object as it is now; empty: absent

    bool operator==(const ChangeOutcome&) const = default;
};

// What the kernel's FIB says of one address before a fix, and must say after it.
struct FixProof {
    FibAnswer before;                // the plan rests on it
    std::vector<NextHop> next_hops;  // wanted afterwards; empty: any answer but this error

    bool operator==(const FixProof&) const = default;
};

// A change as JSON ({"object","before","after"}), for reports. Reading is of hostile bytes.
std::string change_to_json(const Change& change);
Result<Change> change_from_json(std::string_view bytes);

}  // namespace podroute
