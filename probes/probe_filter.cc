// Comparisons at the offsets of packet.h's fields. Offsets are given by hand for IPv6, which libpcap cannot
// index beyond its header; extension headers are on none of our packets.
#include "probes/probe_filter.h"

namespace podroute {
namespace {

std::string at(const std::string& base, unsigned offset, unsigned size) {
    return base + "[" + std::to_string(offset) + (size == 1 ? "" : ":" + std::to_string(size)) + "]";
}

std::string any_of(const std::string& what, const std::set<std::uint16_t>& values) {
    std::string out;
    for (const auto value : values) out += (out.empty() ? "" : " or ") + what + " = " + std::to_string(value);
    return "(" + out + ")";
}

std::string sent_to(const std::vector<Address>& addresses, bool v4) {
    std::string out;
    for (const Address& a : addresses)
        if (a.is_v4() == v4) out += (out.empty() ? "" : " or ") + ("dst host " + a.to_string());
    return out.empty() ? "" : " and (" + out + ")";
}

class Expression {
  public:
    Expression(const ProbeKey& key, const FilterScope& scope, bool v4)
        : key_(key), scope_(scope), v4_(v4), back_(sent_to(scope.answers_to, v4)) {}

    std::string text() const {
        std::string out = objections();
        if (scope_.echo) out += " or " + echo();
        if (!scope_.tcp_ports.empty()) out += " or " + tcp();
        if (!scope_.udp_ports.empty()) out += " or " + udp();
        return std::string(v4_ ? "(ip and (" : "(ip6 and (") + out + "))";
    }

  private:
    std::string word() const { return std::to_string(key_.word >> 32); }
    std::string tag() const { return std::to_string(key_.tag); }
    // A field of the header behind the IP header.
    std::string field(const char* v4, unsigned offset, unsigned size) const {
        return v4_ ? at(v4, offset, size) : at("ip6", 40 + offset, size);
    }
    std::string of(const char* v4, unsigned next_header) const {
        return v4_ ? v4 : "ip6[6] = " + std::to_string(next_header);
    }

    std::string echo() const {
        const std::string type = field("icmp", 0, 1);
        const auto is = [&](unsigned value) { return type + " = " + std::to_string(value); };
        return "(" + of("icmp", 58) + " and " + field("icmp", 8, 4) + " = " + word() + " and (" +
               is(v4_ ? 8 : 128) + " or (" + is(v4_ ? 0 : 129) + back_ + ")))";
    }
    // SYN without ACK, or ACK with SYN or RST: never what our own kernel sends to close.
    std::string tcp() const {
        const std::string flags = field("tcp", 13, 1);
        return "(" + of("tcp", 6) + " and ((" + flags + " & 0x12 = 0x02 and " + field("tcp", 4, 2) + " = " +
               tag() + " and " + any_of(field("tcp", 2, 2), scope_.tcp_ports) + ") or (" + flags +
               " & 0x10 != 0 and " + flags + " & 0x06 != 0 and " + field("tcp", 8, 2) + " = " + tag() +
               " and " + any_of(field("tcp", 0, 2), scope_.tcp_ports) + back_ + ")))";
    }
    std::string udp() const {
        return "(" + of("udp", 17) + " and " + field("udp", 8, 4) + " = " + word() + " and (" +
               any_of(field("udp", 2, 2), scope_.udp_ports) + " or (" +
               any_of(field("udp", 0, 2), scope_.udp_ports) + back_ + ")))";
    }
    // The quoted packet begins 8 bytes into the ICMP message; its tag stands in the identification or in the
    // flow label.
    std::string objections() const {
        const std::string type = field("icmp", 0, 1);
        if (v4_)
            return "(icmp and (" + type + " = 3 or " + type + " = 11 or " + type +
                   " = 12) and icmp[12:2] = " + tag() + back_ + ")";
        return "(ip6[6] = 58 and " + type + " >= 1 and " + type + " <= 4 and ip6[50:2] = " + tag() + back_ +
               ")";
    }

    const ProbeKey& key_;
    const FilterScope& scope_;
    bool v4_;
    std::string back_;
};

}  // namespace

std::string probes_expression(const ProbeKey& key, const FilterScope& scope) {
    std::string out;
    for (const bool v4 : {true, false})
        if (v4 ? scope.v4 : scope.v6) out += (out.empty() ? "" : " or ") + Expression(key, scope, v4).text();
    return out;
}

}  // namespace podroute
