// Looks for shared MACs, addresses carried twice, foreign answers, and foreign entries in neighbour tables.
#include "checks/duplicates.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <variant>

#include "checks/common.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint32_t kDadFailed = 0x08;             // IFA_F_DADFAILED
constexpr std::uint16_t kNudLearned = 2 | 4 | 8 | 16;  // reachable, stale, delay, probe
constexpr std::string_view kNoMac = "00:00:00:00:00:00";
constexpr std::size_t kMaxEvidence = 6;

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// A MAC that no factory gave away, made from an address so that it is the same from run to run.
std::string local_mac(const Address& address) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string mac = "02:00";
    const std::uint8_t* bytes = address.wire() + address.wire_size() - 4;
    for (int i = 0; i < 4; ++i) mac += std::string(":") + digits[bytes[i] >> 4U] + digits[bytes[i] & 15U];
    return mac;
}

class Search {
  public:
    explicit Search(const Snapshot& snapshot) : snapshot_(snapshot), silent_(silent_neighbours(snapshot)) {
        for (const InventoryHost& host : snapshot.inventory.hosts) {
            const HostFacts* facts = facts_of(snapshot, host.name);
            if (facts == nullptr || !facts->links.known()) continue;
            for (const Link& link : *facts->links) {
                if (link.mac.empty() || link.mac == kNoMac) continue;
                macs_[host.name].insert(lower(link.mac));
                holders_[lower(link.mac)].push_back(host.name);
            }
        }
    }

    std::vector<Duplicate> run() {
        for (const InventoryHost& host : snapshot_.inventory.hosts) {
            look_at_uplink_macs(host);
            for (const Address& address : host.addresses) {
                look_for_carriers(host, address);
                look_at_dad(host, address);
                look_at_answers(host, address);
                look_at_tables(host, address);
            }
        }
        for (Duplicate& d : found_) add_silent(d);
        return std::move(found_);
    }

  private:
    void add_silent(Duplicate& d) const {
        for (const HostId& name : {d.owner, d.other})
            if (const InventoryHost* host = snapshot_.inventory.find(name))
                for (HostChange& change : heard_again(snapshot_.inventory, silent_, *host))
                    add_remedy(d, change);
    }
    // Who carries another's address is silent to that other: a kernel answers no question that comes from an
    // address of its own (IPv4: arp_process in net/ipv4/arp.c, its sender is a martian), or answers itself.
    void add_silent_carrier(Duplicate& d, const HostId& carrier) const {
        const InventoryHost* host = snapshot_.inventory.find(carrier);
        if (host == nullptr) return;
        for (HostChange& change : heard_again(snapshot_.inventory, silent_, *host)) {
            const auto* asked = std::get_if<NeighbourObject>(&change.change.object);
            if (change.host == d.owner && asked != nullptr && asked->address.family() == d.address.family())
                add_remedy(d, change);
        }
    }
    static void add_remedy(Duplicate& d, HostChange& change) {
        if (std::find(d.cause.remedy.begin(), d.cause.remedy.end(), change) == d.cause.remedy.end())
            d.cause.remedy.push_back(std::move(change));
    }

    // SSH led to another machine: address-missing says so.
    bool mistaken(const HostId& name, Family family) const {
        const InventoryHost* host = snapshot_.inventory.find(name);
        return host != nullptr && lacks_address(snapshot_, *host, family);
    }

    Duplicate& add(const InventoryHost& owner, const Address& address, const HostId& culprit,
                   const std::string& subject, const std::string& summary) {
        for (Duplicate& d : found_)
            if (d.cause.host == culprit && d.cause.subject == subject) return d;
        Duplicate made{owner.name, owner.name, address, {}};
        made.cause.code = "address-duplicate";
        made.cause.host = culprit;
        made.cause.subject = subject;
        made.cause.summary = summary;
        found_.push_back(std::move(made));
        return found_.back();
    }

    static void note(Duplicate& duplicate, const std::string& line) {
        auto& evidence = duplicate.cause.evidence;
        if (evidence.size() < kMaxEvidence &&
            std::find(evidence.begin(), evidence.end(), line) == evidence.end())
            evidence.push_back(line);
    }

    // Two uplinks with one MAC: cloned machines. The later line of machines.txt is the clone.
    void look_at_uplink_macs(const InventoryHost& host) {
        const HostFacts* facts = facts_of(snapshot_, host.name);
        if (facts == nullptr || !facts->links.known() || mistaken(host.name, host.addresses.front().family()))
            return;
        for (const std::uint32_t index : roles(*facts, host).uplinks) {
            const Link* link = find_link(*facts, index);
            if (link == nullptr || link->mac.empty() || link->mac == kNoMac) continue;
            const std::string mac = lower(link->mac);
            const auto [first, added] = uplink_macs_.emplace(mac, host.name);
            if (added || first->second == host.name) continue;
            Duplicate& d = add(host, host.addresses.front(), host.name, mac,
                               host.name + " and " + first->second + " share the link-layer address " + mac);
            d.other = first->second;
            note(d, "both carry it on their uplinks: one machine was cloned from the other");
            if (plain_word(link->name))
                d.cause.commands = {on_host(host.name, "ip link set dev " + link->name + " address " +
                                                           local_mac(host.addresses.front()))};
        }
    }

    void look_for_carriers(const InventoryHost& owner, const Address& address) {
        for (const InventoryHost& other : snapshot_.inventory.hosts) {
            const HostFacts* facts = facts_of(snapshot_, other.name);
            if (other.name == owner.name || facts == nullptr) continue;
            const InterfaceAddress* carried = find_address(*facts, address);
            if (carried == nullptr || mistaken(other.name, address.family())) continue;
            add_carrier(owner, address, other.name, *facts, *carried);
        }
    }

    void add_carrier(const InventoryHost& owner, const Address& address, const HostId& other,
                     const HostFacts& facts, const InterfaceAddress& carried) {
        Duplicate& d = shared(owner, address, other);
        const std::string device = link_name(facts, carried.ifindex);
        note(d, other + " carries " + address.to_string() + " on " + device);
        if (plain_word(device))
            d.cause.commands = {on_host(other, "ip address del " + address.to_string() + "/" +
                                                   std::to_string(carried.prefix_length) + " dev " + device)};
        add_silent_carrier(d, other);
        if (!facts.routes.known()) return;
        for (const Route& route : *facts.routes) {
            if (route.table != kTableLocal || route.destination != Prefix::host(address)) continue;
            Change change;
            change.object = RouteObject{route.destination, route.table, route.metric, route.tos};
            change.before = route;
            d.cause.remedy.push_back({other, std::move(change)});
        }
    }

    Duplicate& shared(const InventoryHost& owner, const Address& address, const HostId& culprit) {
        const bool outside = culprit == owner.name;
        return add(
            owner, address, culprit, address.to_string(),
            outside ? "another machine answers for the address " + address.to_string() + " of " + owner.name
                    : culprit + " answers for the address " + address.to_string() + " of " + owner.name);
    }

    // The owner's kernel found another user of its IPv6 address (RFC 4862 section 5.4).
    void look_at_dad(const InventoryHost& owner, const Address& address) {
        const HostFacts* facts = facts_of(snapshot_, owner.name);
        const InterfaceAddress* own = facts != nullptr ? find_address(*facts, address) : nullptr;
        if (own == nullptr || (own->flags & kDadFailed) == 0) return;
        Duplicate& d = shared(owner, address, owner.name);
        note(d, "duplicate address detection failed on " + link_name(*facts, own->ifindex));
        if (d.cause.commands.empty())
            d.cause.commands = {on_host(owner.name, "ip -6 address show dadfailed")};
    }

    bool known_mac(const HostId& host, const std::string& mac) const {
        const auto at = macs_.find(host);
        return at != macs_.end() && at->second.contains(lower(mac));
    }

    // Another inventory host that has this MAC; not the observer, which does not answer itself.
    const HostId* holder(const std::string& mac, const HostId& owner, const HostId& observer) const {
        const auto at = holders_.find(lower(mac));
        if (at == holders_.end() || known_mac(owner, mac)) return nullptr;
        for (const HostId& name : at->second)
            if (name != observer && name != owner) return &name;
        return nullptr;
    }

    void look_at_answers(const InventoryHost& owner, const Address& address) {
        if (!macs_.contains(owner.name)) return;
        for (const RoundResult& round : snapshot_.rounds)
            for (const auto& [observer, findings] : round.hosts)
                if (findings.known())
                    for (const NeighbourAnswers& answers : findings->answers)
                        if (answers.address == address) judge_answers(owner, observer, answers);
    }

    void judge_answers(const InventoryHost& owner, const HostId& observer, const NeighbourAnswers& answers) {
        const bool own_too = std::any_of(answers.macs.begin(), answers.macs.end(),
                                         [&](const std::string& mac) { return known_mac(owner.name, mac); });
        if (own_too) confirmed_.insert({observer, answers.address});
        for (const std::string& mac : answers.macs) {
            if (known_mac(owner.name, mac)) continue;
            const HostId* other = holder(mac, owner.name, observer);
            // A single foreign answer is what a fabric gives that answers for all.
            if (other == nullptr && !own_too) continue;
            confirmed_.insert({observer, answers.address});
            Duplicate& d = shared(owner, answers.address, other != nullptr ? *other : owner.name);
            note(d, observer + " asked for it and " + lower(mac) + " answered" +
                        (own_too ? ", besides " + owner.name : ""));
            if (d.cause.commands.empty() && plain_word(mac))
                d.cause.commands = {on_host(observer, "ip neigh show " + answers.address.to_string())};
        }
    }

    void look_at_tables(const InventoryHost& owner, const Address& address) {
        if (!macs_.contains(owner.name)) return;
        for (const InventoryHost& observer : snapshot_.inventory.hosts) {
            const HostFacts* facts = facts_of(snapshot_, observer.name);
            if (facts == nullptr || !facts->neighbours.known() ||
                confirmed_.contains({observer.name, address}))
                continue;
            for (const Neighbour& entry : *facts->neighbours) {
                if (entry.address != address || entry.permanent() || (entry.state & kNudLearned) == 0)
                    continue;
                const HostId* other = holder(entry.mac, owner.name, observer.name);
                if (other == nullptr) continue;
                Duplicate& d = shared(owner, address, *other);
                note(d, observer.name + " learned " + lower(entry.mac) + " for it, which is of " + *other);
                if (d.cause.commands.empty())
                    d.cause.commands = {on_host(*other, "ip address show to " + address.to_string())};
            }
        }
    }

    const Snapshot& snapshot_;
    const std::vector<SilentNeighbour> silent_;
    std::map<HostId, std::set<std::string>> macs_;        // of every link that has one
    std::map<std::string, std::vector<HostId>> holders_;  // hosts by MAC, in file order
    std::map<std::string, HostId> uplink_macs_;           // the first host with it
    std::set<std::pair<HostId, Address>> confirmed_;      // fresh answers outweigh the observer's table
    std::vector<Duplicate> found_;
};

}  // namespace

std::vector<Duplicate> find_duplicates(const Snapshot& snapshot) {
    return Search(snapshot).run();
}

std::vector<HostChange> heard_again(const Inventory& inventory, std::span<const SilentNeighbour> silent,
                                    const InventoryHost& host) {
    std::vector<HostChange> changes;
    for (const SilentNeighbour& neighbour : silent) {
        if (inventory.owner_of(neighbour.address) != &host) continue;
        Neighbour entry;
        entry.address = neighbour.address;
        entry.ifindex = neighbour.ifindex;
        Change change{NeighbourObject{entry.address, entry.ifindex}, std::move(entry), std::nullopt};
        changes.push_back({neighbour.observer, std::move(change)});
    }
    return changes;
}

bool concerns(const std::vector<Duplicate>& duplicates, const HostId& a, const HostId& b) {
    return std::any_of(duplicates.begin(), duplicates.end(), [&](const Duplicate& d) {
        const auto has = [&](const HostId& name) {
            return name == d.owner || name == d.other || name == d.cause.host;
        };
        return has(a) || has(b);
    });
}

}  // namespace podroute
