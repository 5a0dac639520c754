#include "tests/lab/agent_pods.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace podroute {
namespace {

void push16(std::vector<std::uint8_t>& out, std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
    out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

// RFC 1071, from `from` on, on top of `sum`.
std::uint32_t checksum(const std::vector<std::uint8_t>& bytes, std::size_t from, std::uint32_t sum) {
    for (std::size_t i = from; i < bytes.size(); i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

void put16(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint32_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8 & 0xff);
    bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

bool settled(const std::string& link) {
    const auto text = run("ip -o link show " + link);
    return text.find("state UP") != std::string::npos && text.find("qdisc noop") == std::string::npos;
}

// Until no IPv6 address is tentative: duplicate address detection takes up to 2 s.
void wait_for_addresses() {
    for (int i = 0; i < 1000 && run("ip -6 addr show tentative").find("inet6") != std::string::npos; ++i)
        usleep(10'000);
}

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

// The lines of `all` that `others` lacks.
std::string lines_beyond(const std::string& all, const std::string& others) {
    const auto a = sorted_lines(all), b = sorted_lines(others);
    std::vector<std::string> out;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
    std::string text;
    for (const auto& line : out) text += line + "\n";
    return text;
}

PodSpec numbered(std::uint32_t number) {
    PodSpec spec;
    spec.number = number;
    const auto tail = std::to_string(200 + number);
    spec.addresses = {ip("10.200.0." + tail), ip("fd00:200::" + tail)};
    spec.link = "vethpr" + std::to_string(number);
    spec.uplink = "node";
    return spec;
}

}  // namespace

void AgentPods::SetUp() {
    AgentLab::SetUp();
    if (HasFatalFailure()) return;
    // sysfs shows the namespace it was mounted in.
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    run("mount --make-rprivate / && mount -t sysfs none /sys");
    peer = std::make_unique<Elsewhere>();
    connect_peer(*peer);
    run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    peer->run("ip route add 10.200.0.0/24 via 10.240.0.20");
    peer->run("ip route add fd00:200::/64 via fd00:240::20");
    // The peer's link-local address ends being tentative; until then it answers no solicitation.
    for (int i = 0; i < 400 && peer->run("ip -6 addr show tentative").find("inet6") != std::string::npos; ++i)
        usleep(10'000);
    wait_for_addresses();
}

void AgentPods::make_bridge(const std::string& mac) {
    run("ip link add cnio0 " + (mac.empty() ? "" : "address " + mac + " ") + "type bridge");
    run("ip link set cnio0 up; ip addr add 10.200.0.1/24 dev cnio0; ip addr add fd00:200::1/64 dev cnio0 "
        "nodad");
    wait_for_addresses();  // one whose MAC is not set begins with carrier, and so with a link-local address
}

void AgentPods::make_real_pod() {
    real_pod = std::make_unique<Elsewhere>();
    run("ip link add vethreal address 02:00:00:00:00:77 type veth peer name eth0 netns " +
        std::to_string(real_pod->pid()));
    run("ip link set vethreal master cnio0 up");
    real_pod->run("ip addr add 10.200.0.2/24 dev eth0");
    real_pod->run("ip addr add fd00:200::2/64 dev eth0 nodad");
    real_pod->run("ip link set eth0 up");
    real_pod->run("ip route add default via 10.200.0.1");
    real_pod->run("ip route add default via fd00:200::1");
    for (int i = 0; i < 200 && !(settled("vethreal") && settled("cnio0")); ++i) usleep(10'000);
    wait_for_addresses();
}

std::unique_ptr<LocalAgentLink> AgentPods::hello(const Hello& words) {
    auto link = start();
    ask<HelloReply>(*link, words);
    return link;
}

std::string AgentPods::state() {
    return run(
        "ip -o link; ip -o addr; ip -4 route show table all; ip -6 route show table all; ip rule; ip -6 "
        "rule; "
        "ip neigh show nud permanent; grep -rs . /proc/sys/net | grep -v nf_conntrack_count; nft list "
        "ruleset");
}

void AgentPods::expect_state(const std::string& before, const std::string& after_what) {
    std::string now = state();
    for (const auto until = soon(); now != before && std::chrono::steady_clock::now() < until; now = state())
        usleep(20'000);
    EXPECT_EQ(lines_beyond(now, before), "") << "left " << after_what;
    EXPECT_EQ(lines_beyond(before, now), "") << "gone " << after_what;
}

bool AgentPods::there(const PodSpec& spec) {
    return run("ip -o link").find(" " + spec.link + "@") != std::string::npos;
}

PodSpec on_bridge(std::uint32_t number) {
    auto spec = numbered(number);
    spec.bridge = "cnio0";
    spec.networks = {net("10.200.0.0/24"), net("fd00:200::/64")};
    spec.gateways = {ip("10.200.0.1"), ip("fd00:200::1")};
    return spec;
}

PodSpec without_bridge(std::uint32_t number) {
    return numbered(number);
}

PodSpec only(PodSpec spec, Family family) {
    const auto keep = family == Family::v4 ? 0U : 1U;
    spec.addresses = {spec.addresses[keep]};
    if (!spec.bridge.empty()) {
        spec.networks = {spec.networks[keep]};
        spec.gateways = {spec.gateways[keep]};
    }
    return spec;
}

std::vector<std::uint8_t> echo_request(const Address& from, const Address& to, std::uint16_t sequence,
                                       std::size_t size) {
    std::vector<std::uint8_t> out;
    const std::size_t header = from.is_v4() ? 20 : 40;
    if (from.is_v4()) {
        out = {0x45, 0};
        push16(out, static_cast<std::uint32_t>(size));
        out.insert(out.end(), {0, 1, 0x40, 0, 64, 1, 0, 0});
    } else {
        out = {0x60, 0, 0, 0};
        push16(out, static_cast<std::uint32_t>(size - header));
        out.insert(out.end(), {58, 64});
    }
    out.insert(out.end(), from.wire(), from.wire() + from.wire_size());
    out.insert(out.end(), to.wire(), to.wire() + to.wire_size());
    out.insert(out.end(), {static_cast<std::uint8_t>(from.is_v4() ? 8 : 128), 0, 0, 0, 0x70, 0x72});
    push16(out, sequence);
    out.resize(size, 0x55);
    // ICMPv6's covers a pseudo header: the addresses, the length, the protocol.
    std::uint32_t pseudo = 0;
    if (!from.is_v4()) {
        pseudo = static_cast<std::uint32_t>(size - header) + 58;
        for (std::size_t i = 8; i < 40; i += 2)
            pseudo += static_cast<std::uint32_t>(out[i] << 8 | out[i + 1]);
    }
    put16(out, header + 2, checksum(out, header, pseudo));
    if (from.is_v4())
        put16(out, 10, checksum(std::vector<std::uint8_t>(out.begin(), out.begin() + 20), 0, 0));
    return out;
}

std::vector<BpfInstruction> echoes() {
    return {{0x28, 0, 0, 12},     {0x15, 0, 2, 0x0800}, {0x30, 0, 0, 23}, {0x15, 5, 6, 1},
            {0x15, 0, 5, 0x86dd}, {0x30, 0, 0, 20},     {0x15, 0, 3, 58}, {0x30, 0, 0, 54},
            {0x25, 1, 0, 129},    {0x06, 0, 0, 65535},  {0x06, 0, 0, 0}};
}

std::optional<Echo> echo_in(const Frame& frame) {
    const auto& b = frame.bytes;
    const bool v4 = b.size() >= 14 && b[12] == 0x08;
    const std::size_t icmp = 14 + (v4 ? 20U : 40U);
    if (b.size() < icmp + 8) return std::nullopt;
    const auto type = b[icmp];
    if (type != (v4 ? 8 : 128) && type != (v4 ? 0 : 129)) return std::nullopt;
    auto from = v4 ? Address::from_bytes(&b[26], 4) : Address::from_bytes(&b[22], 16);
    return Echo{type == (v4 ? 0 : 129), static_cast<std::uint16_t>(b[icmp + 6] << 8 | b[icmp + 7]), *from};
}

}  // namespace podroute
