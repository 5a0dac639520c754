// What was lost where: counts along the way, round by round.
#include <algorithm>

#include "engine/places.h"

namespace podroute {
namespace {

// What one round says of a leg: how many set out, and came through.
struct LegCount {
    std::uint32_t out = 0, through = 0;

    void add(const ProbeResult& result, ProbeLeg leg) {
        const bool request = leg == ProbeLeg::request;
        out += request ? result.sent : arrivals(result);
        through += request ? arrivals(result) : result.answered;
    }
};

// The results of one round stand together.
std::vector<std::vector<RoundSays>> by_round(const ProbedFlow& flow) {
    std::vector<std::vector<RoundSays>> rounds;
    for (const RoundSays& said : flow.rounds) {
        const auto at = std::find_if(rounds.begin(), rounds.end(),
                                     [&](const auto& others) { return others.front().round == said.round; });
        if (at == rounds.end())
            rounds.push_back({said});
        else
            at->push_back(said);
    }
    return rounds;
}

std::vector<RoundSays> farthest_of(const std::vector<RoundSays>& round) {
    constexpr std::uint8_t kAll = 255;
    const auto limit = [](const RoundSays& said) {
        return meant_to_die(*said.result) ? said.result->hop_limit : kAll;
    };
    std::vector<RoundSays> farthest;
    for (const RoundSays& said : round) {
        if (!farthest.empty() && limit(said) > limit(farthest.front())) farthest.clear();
        if (farthest.empty() || limit(said) == limit(farthest.front())) farthest.push_back(said);
    }
    return farthest;
}

bool same(const Place& a, const Place& b) {
    return a.kind == b.kind && a.host == b.host && a.interface == b.interface && a.leg == b.leg;
}

// Who tells in one round tells for all.
void keep_common(std::vector<HostId>& hosts, const std::vector<HostId>& others) {
    std::erase_if(hosts, [&](const HostId& host) {
        return std::find(others.begin(), others.end(), host) == others.end();
    });
}

void add(std::vector<LossAt>& losses, Place place, std::uint32_t packets) {
    const auto at = std::find_if(losses.begin(), losses.end(),
                                 [&](const LossAt& other) { return same(other.place, place); });
    if (at == losses.end()) {
        losses.push_back({std::move(place), packets});
        return;
    }
    at->packets += packets;
    keep_common(at->place.deaf, place.deaf);
    keep_common(at->place.maybe, place.maybe);
}

// How many passed each sighting: whatever is seen later did, by this way or another.
std::vector<std::uint32_t> passed(const std::vector<Seen>& seen, std::uint32_t through) {
    std::vector<std::uint32_t> counts(seen.size() + 1, through);
    for (std::size_t i = seen.size(); i-- > 0;) counts[i] = std::max(seen[i].count, counts[i + 1]);
    return counts;
}

}  // namespace

std::vector<LossAt> Places::losses(const ProbedFlow& flow, ProbeLeg leg) {
    std::vector<LossAt> found;
    for (const auto& rounds : by_round(flow)) {
        LegCount leg_count;
        for (const auto& [result, round] : rounds) {
            if (meant_to_die(*result) || !result->unknown.empty()) continue;
            leg_count.add(*result, leg);
            const std::uint32_t kept = refused(result->source, result->not_sent);
            if (leg == ProbeLeg::request && kept > 0)
                add(found, {PlaceKind::inside, flow.source.host, ""}, kept);
        }
        if (leg_count.out <= leg_count.through) continue;
        const std::vector<Seen> seen = ordered(rounds, flow, leg);
        std::uint32_t before = leg_count.out;
        std::size_t at = 0;
        for (const std::uint32_t count : passed(seen, leg_count.through)) {
            if (count < before)
                add(found,
                    end({seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(at)}, rounds, flow, leg),
                    before - count);
            before = std::min(before, count);
            ++at;
        }
    }
    return found;
}

// What its target did not get was lost before, and what left its sender may be lost behind.
Passage Places::passage(const ProbedFlow& flow, const HostId& host) {
    const ProbeLeg leg = flow.failed_leg();
    Passage all = passage_of(flow);
    std::uint32_t ended = 0, behind = 0;
    for (const LossAt& loss : losses(flow, leg)) {
        const Place& place = loss.place;
        const bool maybe = std::find(place.maybe.begin(), place.maybe.end(), host) != place.maybe.end();
        if ((place.kind == PlaceKind::inside && place.host == host) ||
            (place.kind == PlaceKind::nowhere && maybe))
            ended += loss.packets;
        else if (place.kind != PlaceKind::nowhere && host == flow.sender())
            behind += loss.packets;
    }
    all.left += behind;
    all.came = all.left + ended;
    return all;
}

// How far packets came of which none counts as lost, of the last round that tells: all were reset, or there
// were only such with a small hop limit. Of these only the ones with the largest tell, which is enough for
// all of the way: the others end on it.
Place Places::end_of_way(const ProbedFlow& flow, ProbeLeg leg) {
    Place best;
    const auto rounds = by_round(flow);
    for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
        const auto farthest = farthest_of(*round);
        const bool hops = meant_to_die(*farthest.front().result);
        LegCount count;
        for (const auto& [result, said] : farthest) count.add(*result, leg);
        if (hops ? count.through > 0 : flow.fate() != ProbeFate::answered_unseen) continue;
        best = end(ordered(farthest, flow, leg), farthest, flow, leg);
        if (best.kind != PlaceKind::nowhere) break;
    }
    return best;
}

Place Places::place(const ProbedFlow& flow) {
    if (flow.fate() == ProbeFate::not_sent) return {PlaceKind::inside, flow.source.host, ""};
    const ProbeLeg leg = flow.failed_leg();
    const auto known = [](const LossAt& loss) { return loss.place.kind != PlaceKind::nowhere; };
    const LossAt* most = nullptr;
    const auto all = losses(flow, leg);
    for (const LossAt& loss : all)
        if (most == nullptr || std::pair(known(loss), loss.packets) > std::pair(known(*most), most->packets))
            most = &loss;
    if (most != nullptr && (known(*most) || flow.fate() == ProbeFate::partly_lost)) return most->place;
    const Place end = end_of_way(flow, leg);
    return end.kind == PlaceKind::nowhere && most != nullptr ? most->place : end;
}

}  // namespace podroute
