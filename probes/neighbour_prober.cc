// From gateways to questions, from frames to who answered.
#include "probes/neighbour_prober.h"

#include <algorithm>
#include <optional>
#include <set>

#include "model/asked_neighbours.h"
#include "probes/arp.h"
#include "probes/filter.h"
#include "probes/gateways.h"

namespace podroute {
namespace {

// ms. The kernel asks three times, a second apart, and calls an entry failed a little after the third
// (measured: an entry in PROBE was still there after 3.0 s).
constexpr std::uint32_t kKernelWait = 3500;
// ms. What is asked by frames is asked again a second later, as a kernel would (RetransTimer of RFC 4861
// section 10).
constexpr std::uint32_t kAnswerWait = 1000;
// Of these, as many as one address is asked for, one in which the kernel is asked instead, and one for those
// that had no room in the first.
constexpr unsigned kMostRounds = kEnoughQuestions + 2;

// What one host is asked in one round.
class HostPlanner {
  public:
    HostPlanner(const Snapshot& snapshot, const Owners& owners, const InventoryHost& host,
                const HostFacts& facts)
        : finder_(snapshot, owners, host, facts),
          facts_(facts),
          asked_before_(asked_neighbours(snapshot, host.name)) {}

    const std::vector<CapturePoint>& points() const { return points_; }
    // The kernel is asked for what has no MAC yet, which takes it as long as kKernelWait.
    bool slow() const { return slow_; }

    HostTask plan(bool first) {
        const auto gateways = finder_.towards_pods();
        HostTask task;
        if (first) solicit(task, gateways);
        if (first) ask_everybody(task, gateways);
        ask_holders(task, gateways);
        for (const auto& [ifindex, addresses] : asked_) listen(task, ifindex, addresses);
        return task;
    }

  private:
    void solicit(HostTask& task, const std::vector<Gateway>& gateways) {
        for (const Gateway& g : gateways) {
            const bool known = g.entry != nullptr && confirmed(*g.entry);
            if (known || task.solicitations.size() >= kMaxSolicitations) continue;
            task.solicitations.push_back({g.address, g.ifindex});
            slow_ = slow_ || g.entry == nullptr || unresolved(*g.entry) || !may_send();
        }
    }

    void ask_everybody(HostTask& task, const std::vector<Gateway>& gateways) {
        // What is permanent comes first: nothing else will ever mend it.
        for (const bool permanent : {true, false})
            for (const Gateway& g : gateways)
                if (g.foreign_mac() && g.entry->permanent() == permanent) ask(task, g, {});
        if (!may_send()) return;  // the rest of the round must not fail for it
        const auto next = finder_.next_in_ring();
        if (next && !next->foreign_mac()) ask(task, *next, {});
    }

    // Those whose MAC the kernel holds without having heard from them since: packets are sent there until it
    // asks, so that neither they nor a solicitation tell. Not everybody is bothered, but who has that MAC.
    void ask_holders(HostTask& task, const std::vector<Gateway>& gateways) {
        if (!may_send()) return;
        struct Open {
            const Gateway* gateway;
            std::string mac;
            unsigned questions;
        };
        std::vector<Open> open;
        for (const Gateway& g : gateways) {
            const auto at = asked_before_.find({g.address, g.ifindex});
            const AskedNeighbour before = at != asked_before_.end() ? at->second : AskedNeighbour();
            const Neighbour* entry = before.solicited ? &*before.solicited : g.entry;
            const bool doubtful =
                entry != nullptr && !entry->mac.empty() && !unresolved(*entry) && !confirmed(*entry);
            if (doubtful && before.macs.empty() && before.questions < kEnoughQuestions)
                open.push_back({&g, entry->mac, before.questions});
        }
        // Where there is not room for all, those that were begun with are done with first.
        std::stable_sort(open.begin(), open.end(),
                         [](const Open& a, const Open& b) { return a.questions > b.questions; });
        for (const Open& o : open) ask(task, *o.gateway, o.mac);
    }

    // No packet sockets without privilege.
    bool may_send() const { return facts_.uid == 0; }

    // Once a round. Holder empty: everybody.
    void ask(HostTask& task, const Gateway& gateway, const std::string& holder) {
        const Link* link = link_of(facts_, gateway.ifindex);
        const auto source = source_for(gateway);
        if (link == nullptr || !source || task.frames.size() >= kMaxQuestions) return;
        auto& asked = asked_[gateway.ifindex];
        if (std::find(asked.begin(), asked.end(), gateway.address) != asked.end()) return;
        auto frame = craft_question(link->mac, *source, gateway.address, holder);
        if (!frame) return;  // a link without Ethernet addresses resolves none
        task.frames.push_back({gateway.ifindex, 0, std::move(*frame)});
        asked.push_back(gateway.address);
    }

    // The link's own address in the gateway's network, else any of the family.
    std::optional<Address> source_for(const Gateway& gateway) const {
        if (!facts_.addresses.known()) return std::nullopt;
        std::optional<Address> any;
        for (const InterfaceAddress& a : *facts_.addresses) {
            if (a.ifindex != gateway.ifindex || a.address.family() != gateway.address.family()) continue;
            if (a.network().contains(gateway.address)) return a.address;
            if (!any) any = a.address;
        }
        return any;
    }

    void listen(HostTask& task, std::uint32_t ifindex, const std::vector<Address>& addresses) {
        if (addresses.empty()) return;
        auto filter = compile_filter(answers_expression(link_of(facts_, ifindex)->mac, addresses), kSnaplen);
        if (!filter) return;  // what is asked there tells nothing: questions_of() leaves it out
        const auto most = static_cast<std::uint32_t>(addresses.size() * kMaxMacs);
        task.captures.push_back({ifindex, std::move(*filter), kSnaplen, most});
        points_.push_back({ifindex, 0, link_of(facts_, ifindex)->name, link_of(facts_, ifindex)->mac});
    }

    GatewayFinder finder_;
    const HostFacts& facts_;
    AskedNeighbours asked_before_;
    std::vector<CapturePoint> points_;
    std::map<std::uint32_t, std::vector<Address>> asked_;
    bool slow_ = false;
};

// The addresses a task asks for where answers are listened for, in its order, nobody having answered yet.
std::vector<NeighbourAnswers> questions_of(const HostTask& task) {
    std::vector<NeighbourAnswers> out;
    for (const Frame& frame : task.frames) {
        const bool heard = std::any_of(task.captures.begin(), task.captures.end(),
                                       [&](const Capture& c) { return c.ifindex == frame.ifindex; });
        const auto address = read_question(frame.bytes);
        if (heard && address) out.push_back({*address, frame.ifindex, {}});
    }
    return out;
}

std::vector<NeighbourAnswers> answers_in(const HostTask& task, std::span<const Frame> frames) {
    auto answers = questions_of(task);
    std::map<std::pair<Address, std::uint32_t>, std::vector<std::string>*> open;
    for (auto& a : answers) open[{a.address, a.ifindex}] = &a.macs;
    for (const Frame& frame : frames) {
        const auto answer = read_answer(frame.bytes);
        if (!answer) continue;
        const auto at = open.find({answer->address, frame.ifindex});
        if (at == open.end()) continue;
        auto& macs = *at->second;
        if (macs.size() < kMaxMacs && std::find(macs.begin(), macs.end(), answer->mac) == macs.end())
            macs.push_back(answer->mac);
    }
    return answers;
}

// A round could not be had of it: another will not be either.
bool lost(const std::vector<RoundResult>& rounds, const HostId& host) {
    return std::any_of(rounds.begin(), rounds.end(), [&](const RoundResult& round) {
        const auto at = round.hosts.find(host);
        return at != round.hosts.end() && !at->second.known();
    });
}

HostFindings findings(const HostTask& task, const HostCatch& caught) {
    HostFindings out;
    const std::set<FibQuery> queries(task.lookups.begin(), task.lookups.end());
    for (const FibAnswer& a : caught.lookups)
        if (queries.contains(a.query)) out.lookups.push_back(a);
    std::set<std::pair<Address, std::uint32_t>> open;
    for (const SolicitTarget& t : task.solicitations) open.emplace(t.address, t.ifindex);
    for (const Neighbour& n : caught.solicited)
        if (open.erase({n.address, n.ifindex}) != 0) out.solicited.push_back(n);
    out.answers = answers_in(task, caught.frames);
    // What the kernel did not send was not asked, and what was caught and lost may have been the answer.
    std::set<std::pair<Address, std::uint32_t>> not_sent;
    for (const Unsent& u : caught.unsent)
        if (u.index < task.frames.size())
            if (const auto address = read_question(task.frames[u.index].bytes))
                not_sent.emplace(*address, task.frames[u.index].ifindex);
    std::erase_if(out.answers, [&](const NeighbourAnswers& a) {
        return a.macs.empty() && (caught.dropped != 0 || not_sent.contains({a.address, a.ifindex}));
    });
    return out;
}

}  // namespace

std::optional<RoundPlan> NeighbourProber::next(const Snapshot& snapshot) {
    const auto& rounds = snapshot.rounds;
    const bool only_ours = std::all_of(rounds.begin(), rounds.end(), [](const RoundResult& round) {
        return round.stage == RoundStage::neighbours;
    });
    if (!only_ours || rounds.size() >= kMostRounds) return std::nullopt;
    const Owners owners(snapshot.inventory);
    RoundPlan plan;
    plan.wait_ms = kAnswerWait;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = known_facts(snapshot, host.name);
        if (facts == nullptr || lost(rounds, host.name)) continue;
        HostPlanner planner(snapshot, owners, host, *facts);
        HostTask task = planner.plan(rounds.empty());
        if (task.solicitations.empty() && task.frames.empty()) continue;
        if (!planner.points().empty()) plan.script.points[host.name] = planner.points();
        if (planner.slow()) plan.wait_ms = kKernelWait;
        plan.tasks[host.name] = std::move(task);
    }
    return plan.tasks.empty() ? std::nullopt : std::optional(std::move(plan));
}

bool NeighbourProber::complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) {
    const auto task = plan.tasks.find(host);
    if (task == plan.tasks.end()) return true;
    const auto answers = answers_in(task->second, frames);
    return std::none_of(answers.begin(), answers.end(),
                        [](const NeighbourAnswers& a) { return a.macs.empty(); });
}

RoundResult NeighbourProber::read(const RoundPlan& plan, const Caught& caught) {
    RoundResult result;
    for (const auto& [host, task] : plan.tasks) {
        const auto at = caught.find(host);
        if (at == caught.end())
            result.hosts[host] = Unknown{"the host was not asked", "", ""};
        else if (!at->second.known())
            result.hosts[host] = at->second.unknown();
        else
            result.hosts[host] = findings(task, *at->second);
    }
    return result;
}

}  // namespace podroute
