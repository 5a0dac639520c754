// Follows each packet along the links of its way, past the rules.
#include "tests/scenarios/packets.h"

#include <algorithm>
#include <map>
#include <set>

namespace podroute::testing {
namespace {

constexpr std::uint32_t kFirst = 3, kMore = 17, kSmall = 64, kFullSize = 1500;

struct Ends {
    Endpoint source, destination;
};
struct Sending {
    bool first = false;    // in the main round
    bool watched = false;  // with captures on every link
};
struct Point {
    HostId host;
    std::string interface;
    bool leaving;
    PacketRule::Where before;  // what lies before this point
    HostId where;
};

class World {
  public:
    World(Snapshot& snapshot, const PacketWorld& world) : snapshot_(snapshot), world_(world) {}

    void run() {
        RoundResult pods;
        pods.stage = RoundStage::pods;
        for (const InventoryHost& host : snapshot_.inventory.hosts) {
            HostFindings findings;
            if (without_pod(host.name))
                findings.pods_refused.push_back({"pod-unavailable", "no veth on this kernel", ""});
            else
                findings.pods = pods_of(host);
            if (!host.pod_cidrs.empty() && read(host.name)) pods.hosts.emplace(host.name, findings);
        }
        snapshot_.rounds.push_back(std::move(pods));
        const auto pairs = verdict_pairs();
        RoundResult main, detail;
        main.stage = RoundStage::main;
        detail.stage = RoundStage::detail;
        std::vector<Ends> failed;
        for (const Ends& pair : pairs) {
            std::map<Protocol, bool> some, all;  // of the small ones come back
            for (const Protocol protocol : world_.protocols) {
                const ProbeResult result = probe(pair, protocol, Purpose::verdict, kSmall, kFirst, false);
                some[protocol] = std::min(result.answered, result.arrived) > 0;
                all[protocol] = result.answered >= kFirst && result.arrived >= kFirst;
                main.probes.push_back(result);
                if (result.unknown.empty() && std::min(result.answered, result.arrived) < kFirst) {
                    detail.probes.push_back(probe(pair, protocol, Purpose::verdict, kSmall, kMore, true));
                    failed.push_back(pair);
                }
            }
            if (pair.source.host == pair.destination.host) continue;
            main.probes.push_back(probe(pair, Protocol::icmp, Purpose::full_size, kFullSize, 1, false));
            const ProbeResult& full = main.probes.back();
            if (!full.unknown.empty() || full.answered > 0 || !world_.ladders) continue;
            if (some[Protocol::icmp])
                add_sizes(pair, Protocol::icmp, detail);
            else if (all[Protocol::tcp])
                add_sizes(pair, Protocol::tcp, detail);
        }
        add_evidence(failed, detail);
        for (const NextHopProbe& leg : world_.next_hops) add_next_hop(leg, main, detail);
        note_listening(main, snapshot_.policy.trace == Trace::all);
        note_listening(detail, snapshot_.policy.trace != Trace::none);
        snapshot_.rounds.push_back(std::move(main));
        if (!detail.probes.empty()) snapshot_.rounds.push_back(std::move(detail));
    }

  private:
    bool read(const HostId& host) const {
        const auto at = snapshot_.hosts.find(host);
        return at != snapshot_.hosts.end() && at->second.known();
    }
    bool without_pod(const HostId& host) const {
        return std::find(world_.without_pod.begin(), world_.without_pod.end(), host) !=
               world_.without_pod.end();
    }
    bool lost(const HostId& host) const {
        return std::find(world_.lost.begin(), world_.lost.end(), host) != world_.lost.end();
    }
    bool deaf(const HostId& host) const {
        return std::find(world_.deaf.begin(), world_.deaf.end(), host) != world_.deaf.end();
    }
    const PacketRule* refusal(const Ends& pair, Protocol protocol) const {
        for (const PacketRule& rule : world_.rules)
            if (rule.refuses != 0 && rule.host == pair.source.host && pair.source.vantage == Vantage::node &&
                (!rule.protocol || *rule.protocol == protocol))
                return &rule;
        return nullptr;
    }
    // Two a network: the second for packets within the host.
    static std::vector<Endpoint> pods_of(const InventoryHost& host) {
        std::vector<Endpoint> pods;
        for (const Prefix& cidr : host.pod_cidrs)
            for (const int n : {0, 1})
                pods.push_back({host.name, Vantage::pod, cidr.last_usable().offset(-10 - n)});
        return pods;
    }
    std::vector<Endpoint> ends_of(const InventoryHost& host) const {
        std::vector<Endpoint> ends;
        const auto pods = pods_of(host);
        for (std::size_t i = 0; i < pods.size(); i += 2) ends.push_back(pods[i]);
        if (ends.empty())
            for (const Address& address : host.addresses) ends.push_back({host.name, Vantage::node, address});
        return ends;
    }
    std::vector<Ends> verdict_pairs() const {
        std::vector<Ends> pairs;
        for (const InventoryHost& a : snapshot_.inventory.hosts)
            for (const InventoryHost& b : snapshot_.inventory.hosts)
                for (const Endpoint& from : ends_of(a))
                    for (const Endpoint& to : ends_of(b))
                        if (a.name != b.name && from.address.family() == to.address.family() &&
                            (from.vantage == Vantage::pod || to.vantage == Vantage::pod))
                            pairs.push_back({from, to});
        for (const InventoryHost& host : snapshot_.inventory.hosts) {
            const auto pods = pods_of(host);
            for (std::size_t i = 0; i < pods.size(); i += 2) pairs.push_back({pods[i], pods[i + 1]});
        }
        return pairs;
    }

    void note_listening(RoundResult& round, bool paths) const {
        for (const InventoryHost& host : snapshot_.inventory.hosts) {
            if (!read(host.name)) continue;
            if (lost(host.name)) {
                round.hosts.emplace(host.name, Unknown{"the agent is gone", "agent-failed", ""});
                continue;
            }
            HostFindings findings;
            findings.listened.emplace();
            const bool all = paths && !deaf(host.name);
            if (all) findings.listened->interfaces.emplace_back("eth0");
            if (all && !bridge(host.name).empty()) findings.listened->interfaces.push_back(bridge(host.name));
            round.hosts.emplace(host.name, std::move(findings));
        }
    }

    std::string bridge(const HostId& host) const {
        if (!read(host)) return {};
        for (const Link& link : *snapshot_.hosts.at(host)->links)
            if (link.kind == "bridge" && link.name.starts_with("cni")) return link.name;
        return {};
    }

    // Where one leg is seen, in order, if nothing is in its way.
    std::vector<Point> way(const Endpoint& from, const Endpoint& to, const HostId& through) const {
        using Where = PacketRule::Where;
        std::vector<Point> points;
        const bool local = from.host == to.host;
        if (from.vantage == Vantage::pod) {
            points.push_back({from.host, std::string(kPodLink), true, Where::inside, ""});
            if (const auto name = bridge(from.host); !name.empty())
                points.push_back({from.host, name, false, Where::inside, ""});
        }
        if (!local) {
            points.push_back({from.host, "eth0", true, Where::inside, from.host});
            HostId last = from.host;
            if (!through.empty()) {
                points.push_back({through, "eth0", false, Where::leaving, last});
                points.push_back({through, "eth0", true, Where::inside, through});
                last = through;
            }
            points.push_back({to.host, "eth0", false, Where::leaving, last});
        }
        if (to.vantage == Vantage::pod) {
            if (const auto name = bridge(to.host); !name.empty())
                points.push_back({to.host, name, true, Where::inside, to.host});
            points.push_back({to.host, std::string(kPodLink), false, Where::inside, to.host});
        }
        return points;
    }

    const PacketRule* rule_for(const Endpoint& from, const Endpoint& to, ProbeLeg leg, Protocol protocol,
                               std::uint32_t size, PacketRule::Where where, const HostId& host) const {
        for (const PacketRule& rule : world_.rules) {
            if (rule.where != where || rule.host != host) continue;
            if (!rule.passes.empty() || !rule.unknown.empty() || rule.refuses != 0) continue;
            if (rule.protocol && *rule.protocol != protocol) continue;
            if (rule.leg && *rule.leg != leg) continue;
            if (!rule.sender.empty() && rule.sender != from.host) continue;
            if (!rule.target.empty() && rule.target != to.host) continue;
            if ((rule.from && *rule.from != from.vantage) || (rule.to && *rule.to != to.vantage)) continue;
            if (rule.larger != 0 && size <= rule.larger) continue;
            return &rule;
        }
        return nullptr;
    }

    // How many of `count` come to the end of one leg, and how many of these the end takes.
    struct Through {
        std::uint32_t come = 0, taken = 0;
    };
    Through leg(ProbeResult& result, const Endpoint& from, const Endpoint& to, ProbeLeg which,
                std::uint32_t count, const Sending& sending) const {
        HostId through;
        for (const PacketRule& rule : world_.rules)
            if (!rule.passes.empty() && rule.host == from.host &&
                (rule.target.empty() || rule.target == to.host) && rule.passes != to.host)
                through = rule.passes;
        const auto see = [&](const Point& point, std::uint32_t n) {
            if (n == 0 || ((!sending.watched || deaf(point.host)) && point.interface != kPodLink)) return;
            result.sightings.push_back({point.host, point.interface, which, point.leaving, n});
        };
        std::set<const PacketRule*> passed;
        for (const Point& point : way(from, to, through)) {
            std::vector<std::pair<PacketRule::Where, HostId>> before{{point.before, point.where}};
            if (point.before == PacketRule::Where::leaving)
                before.emplace_back(PacketRule::Where::entering, point.host);
            for (const auto& [where, host] : before) {
                const PacketRule* rule = rule_for(from, to, which, result.protocol, result.size, where, host);
                if (rule == nullptr || !passed.insert(rule).second) continue;
                if (rule->rewrite) {
                    if (which == ProbeLeg::request) result.source_seen = *rule->rewrite;
                    continue;
                }
                count = apply(result, *rule, from, to, which, count, sending, see);
            }
            see(point, count);
            if (count == 0) return {};
        }
        // What is for a node itself is seen as it enters, before its filters.
        const std::uint32_t come = count;
        if (to.vantage == Vantage::node) {
            const PacketRule* rule =
                rule_for(from, to, which, result.protocol, result.size, PacketRule::Where::inside, to.host);
            if (rule != nullptr && passed.insert(rule).second)
                count = apply(result, *rule, from, to, which, count, sending, see);
        }
        return {come, count};
    }

    template <class See>
    std::uint32_t apply(ProbeResult& result, const PacketRule& rule, const Endpoint& from, const Endpoint& to,
                        ProbeLeg which, std::uint32_t count, const Sending& sending, const See& see) const {
        const std::uint32_t kept =
            std::max(rule.keep * count / 20, sending.first ? std::min(rule.first, count) : 0U);
        const std::uint32_t lost = count - kept;
        if (which == ProbeLeg::request && lost > 0) {
            const InventoryHost* host = snapshot_.inventory.find(rule.host);
            const Address node = rule.by.value_or(host->addresses.front());
            if (rule.reject_type != 0)
                result.objections.push_back({node, rule.reject_type, rule.reject_code, false, 0, 63, lost});
            if (rule.names != 0) result.objections.push_back({node, 3, 4, false, rule.names, 63, lost});
            if (rule.reset && result.protocol == Protocol::tcp)
                result.objections.push_back({to.address, 0, 0, true, 0,
                                             static_cast<std::uint8_t>(rule.host == from.host ? 64 : 63),
                                             lost});
        }
        if (rule.answers) result.answered += lost;
        if (!rule.leads.empty()) see({rule.leads, "eth0", false, rule.where, rule.host}, lost);
        return kept;
    }

    std::string why_unknown(const Ends& pair) const {
        for (const Endpoint* end : {&pair.source, &pair.destination}) {
            if (!read(end->host)) return end->host + " was not read";
            if (lost(end->host)) return end->host + ": the agent is gone";
            if (end->vantage == Vantage::pod && without_pod(end->host))
                return end->host + ": no synthetic pod could be opened";
        }
        for (const PacketRule& rule : world_.rules)
            if (!rule.unknown.empty() &&
                (rule.host == pair.source.host || rule.host == pair.destination.host))
                return rule.unknown;
        return {};
    }

    ProbeResult probe(const Ends& pair, Protocol protocol, Purpose purpose, std::uint32_t size,
                      std::uint32_t count, bool watched) const {
        ProbeResult result;
        result.source = pair.source;
        result.destination = pair.destination;
        result.protocol = protocol;
        result.purpose = purpose;
        result.size = size;
        result.unknown = why_unknown(pair);
        if (!result.unknown.empty()) return result;
        const Trace trace = snapshot_.policy.trace;
        const Sending sending{!watched, (watched && trace != Trace::none) || trace == Trace::all};
        if (const PacketRule* rule = refusal(pair, protocol); rule != nullptr) {
            const std::uint32_t taken = rule->keep * count / 20;
            result.not_sent.push_back({rule->refuses, count - taken});
            count = taken;
            if (count == 0) return result;
        }
        result.sent = count;
        const Through request = leg(result, pair.source, pair.destination, ProbeLeg::request, count, sending);
        result.arrived = request.come;
        if (request.taken > 0)
            result.answered +=
                leg(result, pair.destination, pair.source, ProbeLeg::reply, request.taken, sending).come;
        for (std::uint32_t i = 0; i < result.answered; ++i) result.round_trips_us.push_back(400 + 10 * i);
        const bool healthy = result.arrived == count && result.answered == count && !result.source_seen;
        if (healthy && snapshot_.policy.trace != Trace::all) result.sightings.clear();
        return result;
    }

    void add_sizes(const Ends& pair, Protocol protocol, RoundResult& detail) const {
        const std::uint32_t more = protocol == Protocol::icmp ? kFirst + kMore - 1 : kFirst + kMore;
        for (const std::uint32_t size : {kFullSize, 1280U, 1400U, 1450U})
            detail.probes.push_back(
                probe(pair, protocol, Purpose::full_size, size, size == kFullSize ? more : 2, true));
    }

    void add_evidence(const std::vector<Ends>& failed, RoundResult& detail) const {
        std::set<std::pair<Endpoint, Endpoint>> done;
        for (const Ends& pair : failed) {
            if (pair.source.host == pair.destination.host) continue;
            const auto node = [&](const Endpoint& end) {
                return Endpoint{end.host, Vantage::node,
                                *snapshot_.inventory.find(end.host)->address(end.address.family())};
            };
            for (const Ends& ends :
                 {Ends{pair.source, node(pair.destination)}, Ends{node(pair.source), pair.destination},
                  Ends{node(pair.source), node(pair.destination)}}) {
                if (ends.source == pair.source && ends.destination == pair.destination) continue;
                if (!done.emplace(ends.source, ends.destination).second) continue;
                for (const Protocol protocol : world_.protocols)
                    detail.probes.push_back(probe(ends, protocol, Purpose::evidence, kSmall, kFirst, true));
            }
        }
    }

    void add_next_hop(const NextHopProbe& leg, RoundResult& main, RoundResult& detail) const {
        ProbeResult result;
        result.purpose = Purpose::next_hop;
        result.source = ends_of(*snapshot_.inventory.find(leg.source)).front();
        result.destination = ends_of(*snapshot_.inventory.find(leg.target)).front();
        result.destination.address = result.destination.address.offset(-20);
        result.next_hop = leg.via;
        result.size = kSmall;
        result.sent = kFirst;
        result.sightings.push_back({leg.source, std::string(kPodLink), ProbeLeg::request, true, kFirst});
        if (leg.arrived > 0)
            result.sightings.push_back({leg.target, "eth0", ProbeLeg::request, false, leg.arrived});
        main.probes.push_back(result);
        if (leg.arrived == kFirst) return;
        // With captures on every host's links.
        result.sent = kMore;
        result.sightings = {{leg.source, std::string(kPodLink), ProbeLeg::request, true, kMore},
                            {leg.source, "eth0", ProbeLeg::request, true, kMore}};
        if (leg.later > 0)
            result.sightings.push_back({leg.target, "eth0", ProbeLeg::request, false, leg.later});
        detail.probes.push_back(std::move(result));
    }

    Snapshot& snapshot_;
    const PacketWorld& world_;
};

}  // namespace

void send_packets(Snapshot& snapshot, const PacketWorld& world) {
    World(snapshot, world).run();
}

}  // namespace podroute::testing
