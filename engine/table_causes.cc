// Counted by the index of a cause.
#include "engine/table_causes.h"

#include <algorithm>
#include <utility>

namespace podroute {

void TableCauses::add_pair(const Flow& flow, const Explanation& explanation, bool packets_pass) {
    for (const auto& part : explanation.parts) {
        Tally& tally = tallies_[part.cause];
        tally.pairs.add(stop_text(flow, part.without) + (packets_pass ? "; yet its packets pass today" : ""));
        for (const auto& other : explanation.parts)
            if (other.cause != part.cause) tally.together.insert(other.cause);
    }
}

void TableCauses::add_check(std::size_t cause, const std::string& check_id) {
    causes_[cause].affects.push_back(check_id);
}

void TableCauses::add_probe(std::size_t cause, const std::string& check_id) {
    ++tallies_[cause].probes;
    add_check(cause, check_id);
}

void TableCauses::add_broken_probe(const PairProbe& probe, const Explanation& explanation, bool by_packets) {
    broken_.push_back({&probe, {}, by_packets});
    for (const auto& part : explanation.parts) {
        broken_.back().causes.push_back(part.cause);
        add_probe(part.cause, probe.check_id);
    }
}

void TableCauses::drop_filtered_routes() {
    const bool route_stands = std::any_of(causes_.begin(), causes_.end(), [](const FoldedCause& entry) {
        return is_route_code(entry.cause.code) && entry.cause.severity == Severity::error;
    });
    if (!route_stands) return;
    for (std::size_t i = 0; i < causes_.size(); ++i)
        if (causes_[i].cause.code == "rp-filter-drop" && tallies_[i].pairs.count() == 0 &&
            tallies_[i].probes == 0)
            dropped_.insert(i);
}

std::vector<std::string> TableCauses::ids() const {
    std::vector<std::string> ids;
    for (const FoldedCause& entry : causes_) ids.push_back(cause_id(entry.cause));
    return ids;
}

void TableCauses::join(PacketFaults& faults) {
    const auto ids = this->ids();
    for (const Broken& broken : broken_) {
        std::vector<std::string> with;
        for (const std::size_t cause : broken.causes) with.push_back(ids[cause]);
        const auto others = broken.by_packets
                                ? faults.add_companions(broken.probe->check_id, with)
                                : faults.add_stopped_too(*broken.probe->flow, broken.probe->check_id, with);
        for (const std::size_t cause : broken.causes)
            tallies_[cause].together_with.insert(others.begin(), others.end());
    }
}

std::vector<Diagnosis> TableCauses::take(bool probed) {
    const auto ids = this->ids();
    std::vector<Diagnosis> out;
    for (std::size_t i = 0; i < causes_.size(); ++i) {
        if (dropped_.contains(i)) continue;
        const Tally& tally = tallies_[i];
        Diagnosis diagnosis{std::move(causes_[i].cause),
                            probed ? tally.probes : tally.pairs.count(),
                            {},
                            std::move(causes_[i].affects)};
        tally.pairs.write(diagnosis.cause.evidence);
        for (const std::size_t other : tally.together) diagnosis.together_with.push_back(ids[other]);
        diagnosis.together_with.insert(diagnosis.together_with.end(), tally.together_with.begin(),
                                       tally.together_with.end());
        out.push_back(std::move(diagnosis));
    }
    return out;
}

}  // namespace podroute
