// Snapshots on disk: JSON Lines, each line parsed, converted and freed.
#include <istream>
#include <ostream>

#include "model/change_json.h"
#include "model/facts_json.h"
#include "model/pod_json.h"
#include "model/snapshot.h"

namespace podroute {

template <class V>
void fields(V& v, InventoryHost& x, const InventoryHost& d) {
    PODROUTE_FIELD(name), PODROUTE_FIELD(fqdn), PODROUTE_FIELD(addresses), PODROUTE_FIELD(pod_cidrs),
        PODROUTE_FIELD(lines);
}
template <class V>
void fields(V& v, Inventory& x, const Inventory& d) {
    PODROUTE_FIELD(hosts);
}
template <class V>
void fields(V& v, Login& x, const Login& d) {
    PODROUTE_FIELD(user), PODROUTE_FIELD(port), PODROUTE_FIELD(sudo);
}
template <class V>
void fields(V& v, Policy& x, const Policy& d) {
    PODROUTE_FIELD(routing), PODROUTE_FIELD(only), PODROUTE_FIELD(layers), PODROUTE_FIELD(skip),
        PODROUTE_FIELD(fail_on);
    PODROUTE_FIELD(protocols), PODROUTE_FIELD(count), PODROUTE_FIELD(timeout_ms),
        PODROUTE_FIELD(max_loss_ppm);
    PODROUTE_FIELD(tcp_port), PODROUTE_FIELD(trace), PODROUTE_FIELD(pairs_per_cidr), PODROUTE_FIELD(pair),
        PODROUTE_FIELD(pair_addresses), PODROUTE_FIELD(login);
}
template <class V>
void fields(V& v, RunInfo& x, const RunInfo& d) {
    PODROUTE_FIELD(id), PODROUTE_FIELD(observation), PODROUTE_FIELD(started), PODROUTE_FIELD(duration_ms);
    PODROUTE_FIELD(tool_version), PODROUTE_FIELD(machines_file), PODROUTE_FIELD(cancelled);
}
template <class V>
void fields(V& v, NeighbourAnswers& x, const NeighbourAnswers& d) {
    PODROUTE_FIELD(address), PODROUTE_FIELD(ifindex), PODROUTE_FIELD(macs);
}
template <class V>
void fields(V& v, Endpoint& x, const Endpoint& d) {
    PODROUTE_FIELD(host), PODROUTE_FIELD(vantage), PODROUTE_FIELD(address);
}
template <class V>
void fields(V& v, Sighting& x, const Sighting& d) {
    PODROUTE_FIELD(host), PODROUTE_FIELD(interface), PODROUTE_FIELD(leg), PODROUTE_FIELD(leaving);
    PODROUTE_FIELD(count);
}
template <class V>
void fields(V& v, Objection& x, const Objection& d) {
    PODROUTE_FIELD(from), PODROUTE_FIELD(type), PODROUTE_FIELD(code), PODROUTE_FIELD(reset);
    PODROUTE_FIELD(mtu), PODROUTE_FIELD(ttl), PODROUTE_FIELD(count);
}
template <class V>
void fields(V& v, NotSent& x, const NotSent& d) {
    PODROUTE_FIELD(error), PODROUTE_FIELD(count);
}
template <class V>
void fields(V& v, ProbeResult& x, const ProbeResult& d) {
    PODROUTE_FIELD(source), PODROUTE_FIELD(destination), PODROUTE_FIELD(protocol), PODROUTE_FIELD(purpose);
    PODROUTE_FIELD(size), PODROUTE_FIELD(hop_limit), PODROUTE_FIELD(sent), PODROUTE_FIELD(arrived);
    PODROUTE_FIELD(answered), PODROUTE_FIELD(source_seen), PODROUTE_FIELD(round_trips_us);
    PODROUTE_FIELD(objections), PODROUTE_FIELD(sightings), PODROUTE_FIELD(unknown), PODROUTE_FIELD(next_hop);
    PODROUTE_FIELD(not_sent);
}
template <class V>
void fields(V& v, Listened& x, const Listened& d) {
    PODROUTE_FIELD(interfaces), PODROUTE_FIELD(dropped);
}
template <class V>
void fields(V& v, HostFindings& x, const HostFindings& d) {
    PODROUTE_FIELD(lookups), PODROUTE_FIELD(solicited), PODROUTE_FIELD(answers), PODROUTE_FIELD(pods);
    PODROUTE_FIELD(opened), PODROUTE_FIELD(asked), PODROUTE_FIELD(pods_refused);
    PODROUTE_FIELD(listened);
}
template <class V>
void fields(V& v, Fix& x, const Fix& d) {
    PODROUTE_FIELD(id), PODROUTE_FIELD(host), PODROUTE_FIELD(cause), PODROUTE_FIELD(change);
    PODROUTE_FIELD(command), PODROUTE_FIELD(status), PODROUTE_FIELD(reason), PODROUTE_FIELD(diff);
}
template <class V>
void fields(V& v, RoundResult& x, const RoundResult& d) {
    PODROUTE_FIELD(hosts), PODROUTE_FIELD(probes), PODROUTE_FIELD(stage);
}

namespace codec {
template <>
struct EnumNames<Vantage> {
    static constexpr std::string_view names[] = {"pod", "node"};
};
template <>
struct EnumNames<ProbeLeg> {
    static constexpr std::string_view names[] = {"request", "reply"};
};
template <>
struct EnumNames<Purpose> {
    static constexpr std::string_view names[] = {"verdict", "evidence", "full_size", "next_hop", "hop_limit"};
};
template <>
struct EnumNames<RoundStage> {
    static constexpr std::string_view names[] = {"", "pods", "main", "detail", "fixer"};
};
template <>
struct EnumNames<Layer> {
    static constexpr std::string_view names[] = {"inventory",  "access",      "links", "routes",
                                                 "forwarding", "persistence", "icmp",  "tcp",
                                                 "udp",        "mtu",         "path"};
};
template <>
struct EnumNames<Routing> {
    static constexpr std::string_view names[] = {"auto", "host", "fabric"};
};
template <>
struct EnumNames<FailOn> {
    static constexpr std::string_view names[] = {"error", "warning"};
};
template <>
struct EnumNames<Trace> {
    static constexpr std::string_view names[] = {"failed", "all", "none"};
};
}  // namespace codec

namespace {

using codec::DecodeError;
using codec::json;

constexpr std::string_view kSchema = "podroute.snapshot/1";
constexpr std::size_t kMaxLine = std::size_t{64} << 20;  // bytes

std::string line(const json& j) {
    return j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Reads up to a newline, but never more than kMaxLine. The buffer is read past the stream, for speed: what it
// throws (a directory, a disk that fails) comes through.
bool read_line(std::istream& in, std::string& text) {
    text.clear();
    std::streambuf* buffer = in.rdbuf();
    for (int c = buffer->sbumpc(); c != std::char_traits<char>::eof(); c = buffer->sbumpc()) {
        if (c == '\n') return true;
        text.push_back(static_cast<char>(c));
        if (text.size() > kMaxLine) return true;
    }
    return !text.empty();
}

void read_header(const json& j, Snapshot& snapshot) {
    std::string schema;
    codec::get(j.value("schema", json("")), schema);
    if (schema != kSchema) throw DecodeError("not a " + std::string(kSchema) + " file");
    if (j.contains("run")) codec::get(j.at("run"), snapshot.run);
    if (j.contains("policy")) codec::get(j.at("policy"), snapshot.policy);
    if (!j.contains("inventory")) throw DecodeError("the header has no inventory");
    codec::get(j.at("inventory"), snapshot.inventory);
    if (auto valid = validate(snapshot.inventory); !valid)
        throw DecodeError("inventory: " + valid.error().text);
}

void read_host(const json& j, Snapshot& snapshot) {
    std::string name;
    codec::get(j.at("host"), name);
    if (snapshot.inventory.find(name) == nullptr)
        throw DecodeError("host '" + name.substr(0, 60) + "' is not in the inventory");
    if (!j.contains("facts")) throw DecodeError("host '" + name + "' has no facts");
    Observed<HostFacts> facts;
    codec::get(j.at("facts"), facts);
    if (!snapshot.hosts.emplace(name, std::move(facts)).second)
        throw DecodeError("host '" + name + "' stands twice");
}

// Returns true at the end line.
bool read_entry(const json& j, Snapshot& snapshot) {
    if (!j.is_object()) throw DecodeError("an object is wanted");
    if (j.contains("end")) return true;
    if (j.contains("host")) {
        read_host(j, snapshot);
    } else if (j.contains("round")) {
        codec::get(j.at("round"), snapshot.rounds.emplace_back());
    } else if (j.contains("fix")) {
        codec::get(j.at("fix"), snapshot.fixes.emplace_back());
    } else {
        throw DecodeError("none of a host, a round and a fix");
    }
    return false;
}

}  // namespace

void write_snapshot(const Snapshot& snapshot, std::ostream& out) {
    out << line({{"schema", kSchema},
                 {"run", codec::put(snapshot.run)},
                 {"policy", codec::put(snapshot.policy)},
                 {"inventory", codec::put(snapshot.inventory)}});
    for (const auto& [name, facts] : snapshot.hosts)
        out << line({{"host", name}, {"facts", codec::put(facts)}});
    for (const auto& round : snapshot.rounds) out << line({{"round", codec::put(round)}});
    for (const auto& fix : snapshot.fixes) out << line({{"fix", codec::put(fix)}});
    out << line({{"end", true}});
}

namespace {

Result<Snapshot> read_lines(std::istream& in, std::string_view file) {
    Snapshot snapshot;
    std::string text;
    for (unsigned number = 1; read_line(in, text); ++number) {
        const std::string where = std::string(file) + ":" + std::to_string(number);
        const auto parsed = codec::parse_untrusted(text, kMaxLine);
        if (!parsed) return failure("bad-snapshot", parsed.error().text, where);
        try {
            if (number == 1) {
                if (!parsed->is_object()) throw DecodeError("an object is wanted");
                read_header(*parsed, snapshot);
            } else if (read_entry(*parsed, snapshot)) {
                if (in.rdbuf()->sgetc() == std::char_traits<char>::eof()) return snapshot;
                throw DecodeError("more follows the end line: these are two snapshots, or it is none");
            }
        } catch (const DecodeError& e) {
            return failure("bad-snapshot", e.what(), where);
        } catch (const json::exception& e) {
            return failure("bad-snapshot", e.what(), where);
        }
    }
    return failure("bad-snapshot", "the file ends before its end line: it was cut short, or is no snapshot",
                   std::string(file));
}

}  // namespace

Result<Snapshot> read_snapshot(std::istream& in, std::string_view file) {
    try {
        return read_lines(in, file);
    } catch (const std::ios_base::failure& e) {
        return failure("bad-snapshot", std::string("cannot be read: ") + e.code().message(),
                       std::string(file));
    }
}

}  // namespace podroute
