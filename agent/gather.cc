// Reads tables, files and the kernel's FIB answers, in this order, because the later ones need the links.
#include "agent/gather.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "agent/fib.h"
#include "agent/files.h"
#include "agent/firewall.h"
#include "agent/firmware.h"
#include "agent/neighbour_statistics.h"
#include "agent/tables.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxSysctlLinks = 128;

template <class T>
Observed<T> observed(Result<T> result) {
    if (result) return std::move(*result);
    return Unknown{result.error().text, "", ""};
}

bool bears_on(const Gather& request, const Prefix& prefix) {
    if (prefix.is_default()) return true;
    return std::any_of(request.pod_cidrs.begin(), request.pod_cidrs.end(),
                       [&](const Prefix& p) { return p.overlaps(prefix); }) ||
           std::any_of(request.nodes.begin(), request.nodes.end(),
                       [&](const Address& a) { return prefix.contains(a); });
}

class Facts {
  public:
    Facts(Netlink& netlink, const Gather& request) : netlink_(netlink), request_(request) {}

    void read_tables() {
        facts.links = observed(read_links(netlink_));
        facts.addresses = observed(read_addresses(netlink_));
        facts.routes =
            observed(read_routes(netlink_, [&](const Prefix& p) { return bears_on(request_, p); }));
        facts.rules = observed(read_rules(netlink_));
        std::set<Address> wanted(request_.nodes.begin(), request_.nodes.end());
        if (facts.routes)
            for (const auto& route : *facts.routes)
                for (const auto& hop : route.next_hops)
                    if (hop.gateway) wanted.insert(*hop.gateway);
        auto found = read_neighbours(netlink_, [&](const Address& a) { return wanted.contains(a); });
        if (!found) {
            facts.neighbours = Unknown{found.error().text, "", ""};
            return;
        }
        facts.neighbours = std::move(found->wanted);
        facts.neighbour_table_v4 = read_neighbour_statistics(Family::v4, found->uncounted_v4);
        facts.neighbour_table_v6 = read_neighbour_statistics(Family::v6, found->uncounted_v6);
    }

    // Links that can carry pod or node traffic: those that traffic to other hosts or of our own networks uses
    // first, then bridges and others with an address, then the links of single pods; as many as the bound
    // allows. Every veth has a link-local address: that alone does not count.
    std::vector<std::string> relevant_links() const {
        if (!facts.links) return {};
        std::set<std::uint32_t> first, addressed, routed;
        if (facts.addresses)
            for (const auto& a : *facts.addresses)
                if (!a.address.is_link_local()) (is_ours(a.address) ? first : addressed).insert(a.ifindex);
        if (facts.routes)
            for (const auto& route : *facts.routes)
                for (const auto& hop : route.next_hops) (hop.gateway ? first : routed).insert(hop.ifindex);
        std::vector<std::string> names;
        const auto take = [&](auto wanted) {
            for (const auto& link : *facts.links)
                if (!link.loopback() && names.size() < kMaxSysctlLinks && wanted(link) &&
                    std::find(names.begin(), names.end(), link.name) == names.end())
                    names.push_back(link.name);
        };
        take([&](const Link& l) { return first.contains(l.index); });
        take([&](const Link& l) { return addressed.contains(l.index) || l.kind == "bridge"; });
        take([&](const Link& l) { return routed.contains(l.index); });
        return names;
    }

    void read_fib() {
        std::vector<FibAnswer> answers;
        const auto ask = [&](const FibQuery& query) {
            answers.push_back(lookup(netlink_, query));
            return &answers.back();
        };
        for (const auto& node : request_.nodes) {
            if (own_address(node)) continue;
            const auto* answer = ask({node, {}, "", 0, 0, 0});
            auto& uplink = node.is_v4() ? uplink4_ : uplink6_;
            if (uplink.empty() && answer->error == 0 && !answer->next_hops.empty())
                uplink = name_of(answer->next_hops.front().ifindex);
        }
        for (const auto& own : request_.own) ask({own.sample_pod(), {}, "", 0, 0, 0});
        // One kind of question after the other: answers of the inbound ones are the same for all peers.
        for (const auto& peer : request_.pod_cidrs)
            if (!is_own(peer)) ask_towards(peer, ask);
        for (const auto& peer : request_.pod_cidrs)
            if (!is_own(peer)) ask_inbound(peer, ask);
        facts.fib = std::move(answers);
    }

    HostFacts facts;

  private:
    const Prefix* own_of(Family family) const {
        const auto own = std::find_if(request_.own.begin(), request_.own.end(),
                                      [&](const Prefix& p) { return p.family() == family; });
        return own == request_.own.end() ? nullptr : &*own;
    }
    bool is_own(const Prefix& cidr) const {
        return std::find(request_.own.begin(), request_.own.end(), cidr) != request_.own.end();
    }

    template <class Ask>
    void ask_towards(const Prefix& peer, Ask ask) {
        ask({peer.first_usable(), {}, "", 0, 0, 0});
        if (peer.last_usable() != peer.first_usable()) ask({peer.last_usable(), {}, "", 0, 0, 0});
        if (const Prefix* own = own_of(peer.family()))
            ask({peer.first_usable(), own->sample_pod(), pod_link(*own), 0, 0, 0});
    }
    template <class Ask>
    void ask_inbound(const Prefix& peer, Ask ask) {
        const Prefix* own = own_of(peer.family());
        const auto target = own != nullptr ? own->sample_pod() : own_node_address(peer.family());
        const auto& uplink = peer.family() == Family::v4 ? uplink4_ : uplink6_;
        if (target && !uplink.empty()) ask({*target, peer.sample_pod(), uplink, 0, 0, 0});
    }

    // A node address, or one inside the own pod networks (the bridge's).
    bool is_ours(const Address& address) const {
        return std::find(request_.nodes.begin(), request_.nodes.end(), address) != request_.nodes.end() ||
               std::any_of(request_.own.begin(), request_.own.end(),
                           [&](const Prefix& p) { return p.contains(address); });
    }
    bool own_address(const Address& address) const {
        return facts.addresses.known() &&
               std::any_of(facts.addresses->begin(), facts.addresses->end(),
                           [&](const InterfaceAddress& a) { return a.address == address; });
    }
    std::optional<Address> own_node_address(Family family) const {
        for (const auto& node : request_.nodes)
            if (node.family() == family && own_address(node)) return node;
        return std::nullopt;
    }
    std::string name_of(std::uint32_t index) const {
        if (facts.links)
            for (const auto& link : *facts.links)
                if (link.index == index) return link.name;
        return {};
    }
    // The link with an address inside the own CIDR, "lo" before there is one: forwarding is then asked of a
    // packet from nowhere in particular.
    std::string pod_link(const Prefix& own) const {
        if (facts.addresses)
            for (const auto& a : *facts.addresses)
                if (auto name = name_of(a.ifindex); own.contains(a.address) && !name.empty()) return name;
        return "lo";
    }

    Netlink& netlink_;
    const Gather& request_;
    std::string uplink4_, uplink6_;
};

}  // namespace

HostFacts gather(Netlink& netlink, const Gather& request, const std::string& ssh_connection) {
    Facts reader(netlink, request);
    reader.read_tables();
    reader.read_fib();
    const auto links = reader.relevant_links();
    HostFacts facts = std::move(reader.facts);
    // Only a host with pods has to forward.
    std::set<Family> families;
    for (const auto& own : request.own) families.insert(own.family());
    facts.sysctls = read_sysctls(links, families);
    facts.cni = read_cni();
    facts.nameservers = read_nameservers();
    facts.firewall = read_firewall();
    facts.firmware = read_firmware();
    facts.ssh_connection = ssh_connection.substr(0, 256);
    facts.uid = geteuid();
    facts.clock_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    utsname name{};
    if (uname(&name) == 0) {
        facts.hostname = name.nodename;
        facts.kernel = name.release;
        facts.machine = name.machine;
    }
    return facts;
}

}  // namespace podroute::agent
