// Counts, and lines of evidence.
#include "engine/packet_faults.h"

#include <algorithm>

#include "engine/fold.h"
#include "engine/packet_words.h"
#include "engine/probe_finding.h"
#include "engine/route_text.h"

namespace podroute {

PacketFault& PacketFaults::at(const std::string& code, const HostId& host, const std::string& key) {
    const auto [at, added] = index_.emplace(std::tuple(code, host, key), faults_.size());
    if (added) {
        PacketFault made;
        made.cause.code = code;
        made.cause.host = host;
        made.cause.subject = key;
        faults_.push_back(std::move(made));
    }
    return faults_[at->second];
}

const PacketFault* PacketFaults::find(const std::string& code, const HostId& host,
                                      const std::string& key) const {
    const auto at = index_.find(std::tuple(code, host, key));
    return at == index_.end() ? nullptr : &faults_[at->second];
}

void PacketFaults::count(PacketFault& fault, const ProbedFlow& flow, const std::string& check_id, bool failed,
                         const std::string& more) {
    fault.protocols.insert(flow.protocol);
    // A flow is counted into an entry once, so that a repetition could only be the last one.
    if (fault.affects.empty() || fault.affects.back() != check_id) fault.affects.push_back(check_id);
    ++fault.flows;
    const Passage passage = passage_of(flow);
    fault.passage.came += passage.came;
    fault.passage.left += passage.left;
    if (failed) ++fault.failed;
    if (fault.lines.size() < kMaxLines)
        fault.lines.push_back(flow_name(snapshot_.inventory, flow) + "   " + line(flow) +
                              (more.empty() ? "" : "; " + more));
}

std::string PacketFaults::line(const ProbedFlow& flow) {
    if (flow.fate() == ProbeFate::works) {
        if (flow.source_seen)
            return std::string(to_string(flow.protocol)) + " arrives from " + flow.source_seen->to_string();
        return std::string(to_string(flow.protocol)) + " arrives and is answered";
    }
    std::string text = loss_text(flow, places_.place(flow));
    for (const Objection& objection : flow.objections)
        if (objection.reset || unreachable(objection, flow.source.address.family()))
            return text + ", " + objection_text(objection);
    return text;
}

void PacketFaults::add_deaf(PacketFault& fault, const Place& place) {
    const std::string text = deaf_text(place);
    auto& evidence = fault.cause.evidence;
    if (!text.empty() && std::find(evidence.begin(), evidence.end(), text) == evidence.end() &&
        evidence.size() < kMaxLines)
        evidence.push_back(text);
}

void PacketFaults::settle() {
    // Of what is one fault of a host: its subject is what it befalls.
    for (PacketFault& fault : faults_)
        if (fault.cause.subject.empty()) fault.cause.subject = protocols_text(fault.protocols);
    passed_ = passed(facts_);
    for (std::size_t i = 0; i < faults_.size(); ++i)
        for (const std::string& check_id : faults_[i].affects) by_check_[check_id].push_back(i);
}

std::vector<std::string> PacketFaults::add_stopped_too(const ProbedFlow& flow, const std::string& check_id,
                                                       const std::vector<std::string>& with) {
    const auto way = crossings(flow);
    std::vector<std::string> ids;
    for (PacketFault& fault : faults_) {
        const auto stops = [&](const Crossing& crossing) {
            return fault.stops.contains(crossing) && !passed_.contains(crossing);
        };
        // What knows no way to one address may know it to others.
        if (fault.no_way || std::none_of(way.begin(), way.end(), stops)) continue;
        ++fault.failed;
        fault.affects.push_back(check_id);
        fault.together_with.insert(with.begin(), with.end());
        ids.push_back(cause_id(fault.cause));
    }
    return ids;
}

std::vector<std::string> PacketFaults::add_companions(const std::string& check_id,
                                                      const std::vector<std::string>& with) {
    const auto at = by_check_.find(check_id);
    std::vector<std::string> ids;
    if (at == by_check_.end()) return ids;
    for (const std::size_t i : at->second) {
        faults_[i].together_with.insert(with.begin(), with.end());
        ids.push_back(cause_id(faults_[i].cause));
    }
    return ids;
}

std::vector<Diagnosis> PacketFaults::take() {
    std::vector<Diagnosis> result;
    for (PacketFault& made : faults_) {
        Cause& cause = made.cause;
        if (cause.code == "firewall-drop")
            cause.commands = {on_host(cause.host, "iptables-save -c"),
                              on_host(cause.host, "nft list ruleset")};
        if (cause.code == "host-drop")
            cause.commands = {on_host(cause.host, "nft list ruleset"), on_host(cause.host, "tc filter show"),
                              on_host(cause.host, "ip xfrm policy")};
        cause.evidence.insert(cause.evidence.end(), made.lines.begin(), made.lines.end());
        if (made.flows > made.lines.size())
            cause.evidence.push_back(more_text(made.flows - made.lines.size(), "probe"));
        result.push_back({std::move(cause),
                          made.failed,
                          {made.together_with.begin(), made.together_with.end()},
                          std::move(made.affects)});
    }
    faults_.clear();
    index_.clear();
    return result;
}

}  // namespace podroute
