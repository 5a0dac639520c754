// Objects in memory: states by a text of the object, every read and write counted.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/objects.h"
#include "model/fix.h"

namespace podroute {

class FakeObjects final : public agent::Objects {
  public:
    Result<agent::Found> read(const Change& change) override {
        if (before_read) before_read(change);
        if (unreadable.contains(name_of(change.object)))
            return failure("netlink", "no answer from the kernel");
        const auto at = states.find(name_of(change.object));
        return at == states.end() ? agent::Found{} : agent::Found{at->second};
    }
    Result<void> write(const Object& object, const std::optional<State>&,
                       const std::optional<State>& to) override {
        writes.push_back(name_of(object));
        if (failing.contains(name_of(object))) return failure("netlink", "File exists");
        if (to)
            states[name_of(object)] = *to;
        else
            states.erase(name_of(object));
        return {};
    }

    static std::string name_of(const Object& object) {
        if (const auto* sysctl = std::get_if<SysctlObject>(&object)) return sysctl->name;
        if (const auto* set = std::get_if<SysctlSetObject>(&object)) return set->name;
        const auto* route = std::get_if<RouteObject>(&object);
        return route == nullptr ? "?" : route->destination.to_string() + " " + std::to_string(route->metric);
    }

    std::map<std::string, State> states;
    std::set<std::string> unreadable, failing;
    std::vector<std::string> writes;
    std::function<void(const Change&)> before_read;
};

}  // namespace podroute
