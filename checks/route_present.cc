// route-present: each host's route to each peer's pod network. The route class decides; here is only what it
// has to yield to.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/duplicates.h"
#include "checks/own_bridge.h"
#include "engine/classify.h"

namespace podroute {
namespace {

struct Ground {
    const Snapshot& snapshot;
    Classifier classifier;
    std::vector<Duplicate> duplicates;
};

// What stands before this route on the host itself.
std::optional<Verdict> in_the_way(const Snapshot& snapshot, const InventoryHost& host,
                                  const ExpectedRoute& route, Routing routing, const std::string& subject) {
    if (routing == Routing::fabric)
        return verdict(host, subject, Status::skip, "pod networks are routed by the fabric");
    if (facts_of(snapshot, host.name) == nullptr) return not_read(snapshot, host, subject);
    if (lacks_address(snapshot, host, route.pod_cidr.family()))
        return blocked(host, subject, "address-missing", host.name + " lacks its node address");
    return std::nullopt;
}

bool of_neighbour(const std::string& code) {
    return code == "neighbour-wrong" || code == "gateway-unresolved";
}

// The other cause that makes the route look so, empty if there is none.
std::string origin(const Ground& ground, const InventoryHost& host, const ExpectedRoute& route,
                   const std::string& code) {
    if (of_neighbour(code) && concerns(ground.duplicates, route.host, route.owner))
        return "address-duplicate";
    const InventoryHost* owner = ground.snapshot.inventory.find(route.owner);
    if (of_neighbour(code) && owner != nullptr &&
        lacks_address(ground.snapshot, *owner, route.pod_cidr.family()))
        return "address-missing";
    if (code != "route-shadowed") return {};
    const HostFacts* facts = facts_of(ground.snapshot, host.name);
    const auto foreign = foreign_bridge_networks(*facts, host);
    const bool by_bridge = std::any_of(foreign.begin(), foreign.end(), [&](const Prefix& network) {
        return network.overlaps(route.pod_cidr);
    });
    return by_bridge ? "pod-cidr-mismatch" : "";
}

Verdict of_class(const Ground& ground, const InventoryHost& host, const ExpectedRoute& route,
                 Classification c, const std::string& subject) {
    if (c.route_class == RouteClass::right)
        return verdict(host, subject, Status::pass, c.note.empty() ? c.observed : c.note);
    if (c.route_class == RouteClass::link_down) return blocked(host, subject, "link-down", c.why);
    if (c.route_class == RouteClass::unknown && c.blocked_by == "inventory-overlap")
        return blocked(host, subject, c.blocked_by, c.why);
    if (c.route_class == RouteClass::unknown || !c.cause) {
        Verdict made = verdict(host, subject, Status::unknown, c.why);
        made.blocked_by = c.blocked_by;
        return made;
    }
    if (const std::string by = origin(ground, host, route, c.cause->code); !by.empty())
        return blocked(host, subject, by, c.cause->summary);
    Verdict made = failed(host, subject, std::move(*c.cause));
    for (Cause& cause : c.further)
        if (origin(ground, host, route, cause.code).empty()) made.causes.push_back(std::move(cause));
    return made;
}

}  // namespace

std::vector<Verdict> route_present(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    Ground ground{snapshot, Classifier(snapshot), find_duplicates(snapshot)};
    std::vector<Verdict> verdicts;
    for (const ExpectedRoute& route : expected.routes) {
        const InventoryHost* host = snapshot.inventory.find(route.host);
        if (host == nullptr) continue;
        const std::string subject = route.pod_cidr.to_string();
        if (auto made = in_the_way(snapshot, *host, route, expected.routing, subject)) {
            verdicts.push_back(std::move(*made));
            continue;
        }
        Classification c = ground.classifier.classify(route);
        const std::string wanted = c.expected, found = c.observed;
        Verdict made = of_class(ground, *host, route, std::move(c), subject);
        made.expected = wanted;
        made.observed = found;
        verdicts.push_back(std::move(made));
    }
    return verdicts;
}

}  // namespace podroute
