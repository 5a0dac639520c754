// Clusters with something to fix, and the causes that the route class gives for them.
#pragma once

#include <algorithm>

#include "engine/classify.h"
#include "engine/fix_plan.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {

// Every cause of the route class, as route-present puts them forward.
inline std::vector<Cause> route_causes(const Snapshot& snapshot) {
    std::vector<Cause> causes;
    Classifier classifier(snapshot);
    for (const ExpectedRoute& route : expect(snapshot.inventory).routes) {
        const auto facts = snapshot.hosts.find(route.host);
        if (facts == snapshot.hosts.end() || !facts->second.known()) continue;
        Classification c = classifier.classify(route);
        if (c.cause) causes.push_back(std::move(*c.cause));
    }
    return causes;
}

// As forwarding-enabled puts it forward.
inline Cause forwarding_cause(const Cluster& cluster, const HostId& host, const std::string& name) {
    Cause cause;
    cause.code = "forwarding-disabled";
    cause.host = host;
    cause.subject = name;
    cause.summary = host + " does not forward packets";
    cause.automatic = Automatic::add;
    Change change{SysctlObject{name}, std::nullopt, State{std::string("1")}};
    const auto& sysctls = cluster.snapshot.hosts.at(host)->sysctls;
    if (const auto at = sysctls.find(name); at != sysctls.end() && at->second.known())
        change.before = State{*at->second};
    cause.remedy.push_back({host, std::move(change)});
    return cause;
}

inline std::vector<Fix> planned(const Cluster& cluster, std::vector<Cause> causes, FixPolicy policy = {}) {
    return plan_fix(cluster.snapshot, causes, policy).value().fixes;
}
inline std::vector<Fix> planned(const Cluster& cluster, FixPolicy policy = {}) {
    return planned(cluster, route_causes(cluster.snapshot), policy);
}

// node-0 lacks the route to node-1's pod network.
inline Cluster one_route_missing(const ClusterOptions& options = {}) {
    Cluster cluster(options);
    cluster.del_route("node-0", "10.200.1.0/24");
    return cluster;
}

}  // namespace podroute::testing
