// Random routes and rules. Numbers are drawn so that prefixes, tables and selectors meet often.
#include "tests/lab/fib_kernel.h"

namespace podroute::testing {
namespace {

class Draw {
  public:
    explicit Draw(std::mt19937& random) : random_(random) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool one_in(unsigned n) { return below(n) == 0; }
    std::string number(unsigned from, unsigned to) { return std::to_string(from + below(to - from + 1)); }
    const char* of(std::initializer_list<const char*> list) {
        return list.begin()[below(static_cast<unsigned>(list.size()))];
    }

  private:
    std::mt19937& random_;
};

// 10.200.0.0/22 or fd00:200::/118: small enough that prefixes nest.
Address target(Draw& draw, bool v6) {
    const auto offset = static_cast<std::int64_t>(draw.below(1024));
    return (v6 ? Address::parse("fd00:200::").value() : Address::parse("10.200.0.0").value()).offset(offset);
}

std::string target_prefix(Draw& draw, bool v6) {
    const unsigned bits = v6 ? 128 : 32;
    const unsigned length = draw.one_in(8) ? draw.below(bits - 10) : bits - draw.below(11);
    return Prefix{target(draw, v6), length}.to_string();
}

const char* source_prefix(Draw& draw, bool v6) {
    return v6 ? draw.of({"fd00:77::/64", "fd00:77:0:0:1::/80", "fd00:78::5/128"})
              : draw.of({"10.77.0.0/16", "10.77.1.0/24", "10.78.0.5/32", "0.0.0.0/4"});
}

std::string next_hop(Draw& draw, bool v6) {
    const bool second = draw.one_in(3);
    const std::string host = draw.number(21, 24);
    if (v6) return std::string("via ") + (second ? "fd00:241::" : "fd00:240::") + host;
    return std::string("via ") + (second ? "10.241.0." : "10.240.0.") + host;
}

std::string unicast(Draw& draw, bool v6) {
    if (draw.one_in(8)) return draw.of({"dev eth0", "dev eth1"});
    if (!draw.one_in(4)) return next_hop(draw, v6);
    std::string legs;
    for (unsigned i = 0; i < 2 + draw.below(2); ++i) legs += " nexthop " + next_hop(draw, v6);
    return legs;
}

std::string route_line(Draw& draw, bool v6) {
    const char* types[] = {"blackhole ", "unreachable ", "prohibit ", "throw ", "local "};
    const bool plain = !draw.one_in(3);
    const std::string type = plain ? "" : types[draw.below(5)];
    std::string destination = target_prefix(draw, v6);
    // A covering local route would make the sources of our questions local too.
    if (type == "local ") destination = Prefix::host(target(draw, v6)).to_string();
    std::string line = std::string(v6 ? "-6 " : "") + "route add " + type + destination;
    if (v6 && plain && draw.one_in(6)) line += std::string(" from ") + source_prefix(draw, v6);
    line +=
        std::string(" table ") + draw.of({"100", "100", "101", "main", "main", "main", "default", "local"});
    if (draw.one_in(3)) line += " metric " + draw.number(1, 3);
    if (!v6 && draw.one_in(10)) line += " tos 0x10";
    if (type == "local ") return line + " dev lo";
    return plain ? line + " " + unicast(draw, v6) : line;
}

std::string selectors(Draw& draw, bool v6) {
    std::string text;
    if (draw.one_in(8)) text += " not";
    if (draw.one_in(2)) text += std::string(" from ") + source_prefix(draw, v6);
    if (draw.one_in(3)) text += " to " + target_prefix(draw, v6);
    if (draw.one_in(4)) text += std::string(" iif ") + draw.of({"eth0", "eth1", "lo", "none0"});
    if (draw.one_in(12)) text += " oif eth0";
    if (draw.one_in(5)) text += std::string(" fwmark ") + draw.of({"1", "0x2/0x3", "0/0x1"});
    if (draw.one_in(12)) text += " tos 0x10";
    if (draw.one_in(5)) text += std::string(" ipproto ") + draw.of({"tcp", "udp"});
    if (draw.one_in(6)) text += std::string(" dport ") + draw.of({"80", "70-90"});
    if (draw.one_in(12)) text += " sport 1-5";
    // Who asks for a forwarded IPv6 packet is nobody in a lookup, and root in a real packet: IPv4 only.
    if (!v6 && draw.one_in(10)) text += std::string(" uidrange ") + draw.of({"0-100", "5-9"});
    return text;
}

std::string rule_line(Draw& draw, bool v6) {
    const unsigned priority = 1 + draw.below(12);
    std::string line = std::string(v6 ? "-6 " : "") + "rule add pref " + std::to_string(priority);
    line += selectors(draw, v6);
    switch (draw.below(10)) {
        case 0:
            return line + " goto " + std::to_string(priority + 1 + draw.below(4));
        case 1:
            return line + " nop";
        case 2:
            return line + " " + draw.of({"blackhole", "unreachable", "prohibit"});
        case 3:
            return line + " lookup main suppress_prefixlength " + draw.number(0, v6 ? 120 : 24);
        default:
            return line + " lookup " + draw.of({"100", "100", "101", "main", "default"});
    }
}

FibQuery query(Draw& draw, bool v6) {
    FibQuery q;
    q.destination = target(draw, v6);
    q.mark = draw.one_in(3) ? draw.below(4) : 0;
    if (draw.one_in(3)) q.ip_proto = draw.one_in(2) ? 6 : 17;
    if (q.ip_proto == 6 || q.ip_proto == 17) q.destination_port = draw.one_in(2) ? 80 : 443;
    // An IPv4 lookup that names no protocol is taken for UDP's (inet_rtm_getroute()).
    if (!v6 && q.ip_proto == 0) q.ip_proto = 1;
    if (draw.one_in(2)) return q;
    q.iif = draw.of({"eth0", "eth1"});
    q.source = Address::parse(v6 ? draw.of({"fd00:77::9", "fd00:77:0:0:1::9", "fd00:78::5", "fd00:79::1"})
                                 : draw.of({"10.77.0.9", "10.77.1.9", "10.78.0.5", "10.79.0.1"}))
                   .value();
    return q;
}

}  // namespace

std::vector<std::string> random_lines(std::mt19937& random) {
    Draw draw(random);
    std::vector<std::string> lines;
    for (const bool v6 : {false, true}) {
        const std::string family = v6 ? "-6 " : "";
        if (draw.one_in(3)) lines.push_back(family + "route add default " + next_hop(draw, v6));
        for (unsigned i = 0, n = 3 + draw.below(25); i < n; ++i) lines.push_back(route_line(draw, v6));
        // None at times: without custom rules IPv4 looks up local and main in one go.
        for (unsigned i = 0, n = draw.below(7); i < n; ++i) lines.push_back(rule_line(draw, v6));
        if (draw.one_in(20)) lines.push_back(family + "rule del pref 32766");
    }
    if (draw.one_in(4)) lines.push_back("link set eth1 down");
    if (draw.one_in(10)) lines.push_back("link set peer1 down");  // eth1 loses its carrier
    return lines;
}

std::vector<FibQuery> random_queries(std::mt19937& random) {
    Draw draw(random);
    std::vector<FibQuery> queries;
    for (unsigned i = 0; i < 40; ++i) queries.push_back(query(draw, draw.one_in(2)));
    return queries;
}

}  // namespace podroute::testing
