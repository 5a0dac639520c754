// The tables of one host under changes: routes added and removed, rules, links set up or down. The tables
// themselves are shared and not copied.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "engine/fib_index.h"
#include "model/change.h"

namespace podroute {

class FibOverlay {
  public:
    FibOverlay(std::shared_ptr<const FibIndex> shared, std::span<const Change> overlay);

    const std::shared_ptr<const FibIndex>& index() const { return index_; }
    const std::vector<Route>& added_routes() const { return added_routes_; }
    const std::vector<std::unique_ptr<Rule>>& added_rules() const { return added_rules_; }
    const RuleList& rules(Family family) const;
    bool local_and_main_merged(Family family) const { return merged_[slot(family)]; }
    // Whether packets would be given to this next hop.
    bool live(const NextHop& hop, Family family) const;
    bool usable(const Route& route, const FibQuery& query) const;
    bool is_removed(const Route& route) const;
    // The most preferred usable route of the table for the query's destination, null if there is none.
    const Route* find(std::uint32_t table, const FibQuery& query) const;
    // The most specific of both tables; local's where they are equally long.
    const Route* find_merged(const FibQuery& query) const;

  private:
    void apply(const Change& change);
    void apply_route(const RouteObject& object, const Change& change);
    void apply_rule(const Rule& rule, const Change& change);
    void apply_link(const std::string& name, const Change& change);
    void add_connected(std::uint32_t ifindex);

    std::shared_ptr<const FibIndex> index_;
    std::vector<Route> added_routes_;
    std::vector<const Route*> removed_routes_;
    std::vector<std::unique_ptr<Rule>> added_rules_;
    std::array<RuleList, 2> changed_rules_;  // used where rules_changed_
    std::array<bool, 2> rules_changed_{};
    std::array<bool, 2> merged_{};
    std::map<std::uint32_t, bool> links_;  // index → up, of links the overlay sets
};

}  // namespace podroute
