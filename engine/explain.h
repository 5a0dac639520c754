// Which causes a broken pair is due to: the smallest set by whose remedies the walk is predicted to pass.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/fold.h"
#include "engine/walk.h"

namespace podroute {

struct Explanation {
    struct Part {
        std::size_t cause;  // index into the causes
        Walk without;       // the walk with all remedies of the set but this one's
    };
    std::vector<Part> parts;
};

class Explainer {
  public:
    // All must outlive it. What no cause explains, but an object does whose removal is predicted to help
    // (stop_causes.h), is added to `causes`, unless options left checks or hosts out.
    Explainer(const Snapshot& snapshot, Walker& walker, std::vector<FoldedCause>& causes);
    // `broken` is the walk of `flow` without overlay. Nothing if no set of causes predicts it. Only causes on
    // hosts that a broken leg touches, and about that flow's networks, are tried. A cause without a remedy
    // explains what stops at its host with its code.
    std::optional<Explanation> explain(const Flow& flow, const Walk& broken);

  private:
    using Indices = std::vector<std::size_t>;
    struct HostCauses {
        std::unordered_map<std::string, Indices> by_network;  // subject is a pod CIDR
        Indices others;
    };
    // What a flow is about: causes about other networks, or of the other family, have nothing to do with it.
    struct Scope {
        Family family;
        std::vector<std::string> networks;
    };
    void index(std::size_t cause);
    std::optional<std::size_t> add_stop_cause(const Flow& flow, const Walk& walk, const Indices& taken);
    Scope scope_of(const Flow& flow) const;
    Indices touching(const HostId& host, const Scope& scope) const;
    Indices next_candidates(const Walk& walk, const Scope& scope, const Indices& taken) const;
    Indices without_remedy(const Walk& walk, const Scope& scope) const;
    Walk walk_with(const Flow& flow, const Indices& causes, std::size_t but);

    const Snapshot& snapshot_;
    Walker& walker_;
    std::vector<FoldedCause>& causes_;
    std::set<std::string> networks_;
    std::unordered_map<HostId, HostCauses> by_host_;
    std::vector<std::optional<Family>> families_;  // of each cause's subject, none where it has none
};

}  // namespace podroute
