// From facts and opened pods to sites.
#include "probes/sites.h"

#include <algorithm>
#include <charconv>

#include "model/host_links.h"
#include "probes/seeded.h"

namespace podroute {
namespace {

constexpr std::uint16_t kSsh = 22;

// What a host said the last time that it was asked for pods; null: it was not asked.
const Observed<HostFindings>* pods_said(const Snapshot& snapshot, const HostId& host) {
    for (auto round = snapshot.rounds.rbegin(); round != snapshot.rounds.rend(); ++round) {
        if (round->stage != RoundStage::pods) continue;
        const auto at = round->hosts.find(host);
        if (at != round->hosts.end()) return &at->second;
    }
    return nullptr;
}

// Where the controller's own connection ends: of "client port server port" the last two.
struct SshEnd {
    std::optional<Address> address;
    std::uint16_t port = kSsh;  // 22 where the session did not say it
};
SshEnd ssh_end(const HostFacts& facts) {
    SshEnd end;
    const std::string_view text = facts.ssh_connection;
    const auto at = text.rfind(' ');
    if (at == std::string_view::npos) return end;
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(text.data() + at + 1, text.data() + text.size(), port);
    if (parsed.ec != std::errc() || port == 0) return end;
    end.port = port;
    const auto before = text.substr(0, at);
    if (auto address = Address::parse(before.substr(before.rfind(' ') + 1))) end.address = *address;
    return end;
}

class Maker {
  public:
    Maker(const Snapshot& snapshot, const InventoryHost& host) : snapshot_(snapshot), host_(host) {
        const auto at = snapshot.hosts.find(host.name);
        if (at == snapshot.hosts.end())
            why_ = host.name + " was not read";
        else if (!at->second.known())
            why_ = host.name + ": " + at->second.unknown().why;
        else
            facts_ = &*at->second;
        if (facts_ != nullptr && facts_->uid != 0)
            why_ = host.name + ": probes need root on the host; the agent runs as user " +
                   std::to_string(facts_->uid);
        said_ = pods_said(snapshot, host.name);
        if (said_ != nullptr && said_->known()) findings_ = &**said_;
    }

    void add_to(Sites& sites) const {
        for (const Prefix& cidr : host_.pod_cidrs) sites.pods.push_back(pod_site(cidr));
        auto& nodes = host_.pod_cidrs.empty() ? sites.control : sites.nodes;
        for (const Address& address : host_.addresses) nodes.push_back(node_site(address));
    }

  private:
    Site node_site(const Address& address) const {
        Site site;
        site.endpoint = {host_.name, Vantage::node, address};
        site.unknown = why_;
        site.tcp_port = snapshot_.policy.tcp_port;
        if (facts_ == nullptr) return site;
        const SshEnd ssh = ssh_end(*facts_);
        if (site.tcp_port == 0) site.tcp_port = ssh.port;
        site.listened = ssh.address == address && ssh.port == site.tcp_port;
        const auto uplinks = uplinks_of(snapshot_, host_, *facts_);
        if (!uplinks.empty()) site.mtu = uplinks.front()->mtu;
        return site;
    }

    PodSite pod_site(const Prefix& cidr) const {
        PodSite site;
        site.cidr = cidr;
        site.pod.endpoint = {host_.name, Vantage::pod, cidr.sample_pod()};
        site.pod.unknown = why_.empty() ? no_pod() : why_;
        if (findings_ == nullptr || !why_.empty()) return site;
        bool first = true;
        for (const OpenedPod& opened : findings_->opened) {
            const auto found = opened_site(opened, cidr);
            if (!found) continue;
            if (!first) {
                site.neighbour = *found;
                break;
            }
            site.pod = *found;
            first = false;
        }
        return site;
    }

    std::optional<Site> opened_site(const OpenedPod& opened, const Prefix& cidr) const {
        for (const PodSpec& spec : findings_->asked) {
            if (spec.number != opened.number) continue;
            for (const Address& address : spec.addresses) {
                if (!cidr.contains(address)) continue;
                Site site;
                site.endpoint = {host_.name, Vantage::pod, address};
                site.pod = opened.number;
                site.mtu = opened.mtu;
                site.tcp_port = snapshot_.policy.tcp_port == 0 ? kPodPort : snapshot_.policy.tcp_port;
                site.listened = true;
                return site;
            }
        }
        return std::nullopt;
    }

    std::string no_pod() const {
        std::string start = host_.name + ": no synthetic pod could be opened";
        if (said_ != nullptr && !said_->known()) return start + ": " + said_->unknown().why;
        if (findings_ == nullptr || findings_->pods_refused.empty()) return start;
        return start + ": " + findings_->pods_refused.front().text;
    }

    const Snapshot& snapshot_;
    const InventoryHost& host_;
    const HostFacts* facts_ = nullptr;
    const Observed<HostFindings>* said_ = nullptr;  // when it was asked for pods; null: it was not
    const HostFindings* findings_ = nullptr;
    std::string why_;
};

}  // namespace

std::uint16_t node_udp_port(const RunInfo& run) {
    constexpr std::uint16_t kFirst = 61000, kPorts = 4535;
    return static_cast<std::uint16_t>(kFirst + Seeded(hash_of("udp", seed_of(run))).below(kPorts));
}

const HostFindings* pods_of(const Snapshot& snapshot, const HostId& host) {
    const auto* said = pods_said(snapshot, host);
    return said != nullptr && said->known() ? &**said : nullptr;
}

// Answers are for few addresses of a network, and speak for all of it.
std::uint32_t mtu_towards(const Snapshot& snapshot, const Site& source, const Endpoint& target) {
    const auto facts = snapshot.hosts.find(source.endpoint.host);
    if (source.pod != 0 || facts == snapshot.hosts.end() || !facts->second.known()) return source.mtu;
    const HostFacts& host = *facts->second;
    if (!host.fib.known() || !host.links.known()) return source.mtu;
    Prefix about = Prefix::host(target.address);
    if (const InventoryHost* owner = snapshot.inventory.find(target.host))
        for (const Prefix& cidr : owner->pod_cidrs)
            if (cidr.contains(target.address)) about = cidr;
    std::uint32_t smallest = 0;
    for (const FibAnswer& answer : *host.fib) {
        if (!answer.query.iif.empty() || answer.error != 0 || !about.contains(answer.query.destination))
            continue;
        for (const NextHop& hop : answer.next_hops)
            for (const Link& link : *host.links)
                if (link.index == hop.ifindex && !link.loopback() && (smallest == 0 || link.mtu < smallest))
                    smallest = link.mtu;
    }
    return smallest != 0 ? smallest : source.mtu;
}

Sites sites_of(const Snapshot& snapshot) {
    Sites sites;
    for (const InventoryHost& host : snapshot.inventory.hosts) Maker(snapshot, host).add_to(sites);
    return sites;
}

}  // namespace podroute
