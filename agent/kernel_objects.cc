// One function for each kind of object.
#include "agent/kernel_objects.h"

#include "agent/neighbour_entry.h"
#include "agent/route_entry.h"
#include "agent/sysctl_entry.h"

namespace podroute::agent {
namespace {

tl::unexpected<Error> not_ours() {
    return failure("bad-change", "no agent changes an object of that kind");
}

class Read {
  public:
    Read(Netlink& netlink, const Change& change) : netlink_(netlink), change_(change) {}
    Result<Found> operator()(const RouteObject& o) const { return read_route(netlink_, o); }
    Result<Found> operator()(const NeighbourObject& o) const { return read_neighbour(netlink_, o); }
    Result<Found> operator()(const SysctlObject& o) const {
        auto value = read_sysctl(o.name);
        if (!value) return tl::unexpected(value.error());
        if (!*value) return Found{};
        return Found{State{**value}};
    }
    Result<Found> operator()(const SysctlSetObject&) const {
        Values values;
        for (const auto* state : {&change_.before, &change_.after}) {
            const auto* named = *state ? std::get_if<Values>(&**state) : nullptr;
            if (named == nullptr) continue;
            for (const auto& [name, unused] : *named) {
                auto value = read_sysctl(name);
                if (!value) return tl::unexpected(value.error());
                if (*value) values.emplace(name, **value);
            }
        }
        return Found{State{std::move(values)}};
    }
    template <class Other>
    Result<Found> operator()(const Other&) const {
        return not_ours();
    }

  private:
    using Values = std::map<std::string, std::string>;
    Netlink& netlink_;
    const Change& change_;
};

template <class T>
const T* state_of(const std::optional<State>& state) {
    return state ? std::get_if<T>(&*state) : nullptr;
}

class Write {
  public:
    Write(Netlink& netlink, const std::optional<State>& from, const std::optional<State>& to)
        : netlink_(netlink), from_(from), to_(to) {}
    Result<void> operator()(const RouteObject&) const {
        return write_route(netlink_, state_of<Route>(from_), state_of<Route>(to_));
    }
    Result<void> operator()(const NeighbourObject& o) const {
        return write_neighbour(netlink_, o, state_of<Neighbour>(to_));
    }
    Result<void> operator()(const SysctlObject& o) const {
        const auto* value = state_of<std::string>(to_);
        return value == nullptr ? Result<void>(not_ours()) : write_sysctl(o.name, *value);
    }
    Result<void> operator()(const SysctlSetObject& o) const {
        const auto* values = state_of<std::map<std::string, std::string>>(to_);
        return values == nullptr ? Result<void>(not_ours()) : write_sysctl_set(o.name, *values);
    }
    template <class Other>
    Result<void> operator()(const Other&) const {
        return not_ours();
    }

  private:
    Netlink& netlink_;
    const std::optional<State>& from_;
    const std::optional<State>& to_;
};

}  // namespace

Result<Found> KernelObjects::read(const Change& change) {
    return std::visit(Read(netlink_, change), change.object);
}

Result<void> KernelObjects::write(const Object& object, const std::optional<State>& from,
                                  const std::optional<State>& to) {
    return std::visit(Write(netlink_, from, to), object);
}

}  // namespace podroute::agent
