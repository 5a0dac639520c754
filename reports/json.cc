#include "reports/json.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

namespace podroute {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Empty means that there is none.
Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json run_of(const Report& report) {
    Json error = nullptr;
    if (report.error)
        error =
            Json{{"code", report.error->code}, {"text", report.error->text}, {"where", report.error->where}};
    return Json{{"id", report.run.id},
                {"started", report.run.started},
                {"duration_ms", report.run.duration_ms},
                {"exit_code", report.exit_code},
                {"verdict", to_string(report.verdict)},
                {"routing", report.routing == Routing::fabric ? "fabric" : "host"},
                {"error", std::move(error)}};
}

Json host_of(const InventoryHost& host) {
    Json addresses = Json::array();
    for (const Address& address : host.addresses) addresses.push_back(address.to_string());
    Json pod_cidrs = Json::array();
    for (const Prefix& prefix : host.pod_cidrs) pod_cidrs.push_back(prefix.to_string());
    return Json{{"name", host.name},
                {"fqdn", host.fqdn},
                {"addresses", std::move(addresses)},
                {"pod_cidrs", std::move(pod_cidrs)}};
}

Json summary_of(const Report& report) {
    const Counts& counts = report.checks_summary;
    return Json{{"checks", Json{{"pass", counts.pass},
                                {"fail", counts.fail},
                                {"warn", counts.warn},
                                {"skip", counts.skip},
                                {"unknown", counts.unknown}}},
                {"probes", Json{{"sent", report.probes_summary.sent},
                                {"arrived", report.probes_summary.arrived},
                                {"answered", report.probes_summary.answered}}},
                {"causes", report.diagnoses.size()}};
}

Json check_of(const CheckResult& check) {
    const Verdict& verdict = check.verdict;
    return Json{{"id", check.id},
                {"code", verdict.check},
                {"layer", to_string(verdict.layer)},
                {"host", text_or_null(verdict.host)},
                {"subject", verdict.subject},
                {"status", to_string(verdict.status)},
                {"message", verdict.message},
                {"expected", text_or_null(verdict.expected)},
                {"observed", text_or_null(verdict.observed)},
                {"blocked_by", text_or_null(verdict.blocked_by)}};
}

Json endpoint_of(const Endpoint& endpoint) {
    return Json{{"host", endpoint.host},
                {"vantage", endpoint.vantage == Vantage::pod ? "pod" : "node"},
                {"address", endpoint.address.to_string()}};
}

Json objection_of(const Objection& objection) {
    const std::string icmp = "icmp " + std::to_string(objection.type) + "/" + std::to_string(objection.code);
    Json json{{"from", objection.from.to_string()},
              {"kind", objection.reset ? "reset" : icmp},
              {"count", objection.count}};
    if (objection.mtu != 0) json["mtu"] = objection.mtu;
    return json;
}

Json probe_of(const ProbeReport& probe) {
    Json source_seen = nullptr;
    Json rtt = nullptr;
    Json stopped_at = nullptr;
    if (probe.source_seen) source_seen = probe.source_seen->to_string();
    if (const auto& times = probe.round_trips)
        rtt = Json{{"min", times->min}, {"median", times->median}, {"max", times->max}};
    if (const auto& at = probe.stopped_at)
        stopped_at = Json{{"host", at->host},
                          {"interface", at->interface},
                          {"leg", at->leg == ProbeLeg::request ? "request" : "reply"}};
    Json json{{"source", endpoint_of(probe.source)},
              {"destination", endpoint_of(probe.destination)},
              {"protocol", to_string(probe.protocol)},
              {"size", probe.size},
              {"sent", probe.sent},
              {"arrived", probe.arrived},
              {"answered", probe.answered},
              {"source_seen", std::move(source_seen)},
              {"rtt_us", std::move(rtt)},
              {"stopped_at", std::move(stopped_at)}};
    if (probe.next_hop) json["next_hop"] = probe.next_hop->to_string();
    for (const Objection& objection : probe.objections) json["objections"].push_back(objection_of(objection));
    return json;
}

Json path_of(const PathReport& path) {
    return Json{{"source", path.source}, {"destination", path.destination},
                {"leg", path.leg},       {"expected", path.expected},
                {"hops", path.hops},     {"status", path.status}};
}

Json diagnosis_of(const Diagnosis& diagnosis) {
    const Cause& cause = diagnosis.cause;
    return Json{{"code", cause.code},
                {"severity", to_string(cause.severity)},
                {"host", text_or_null(cause.host)},
                {"subject", cause.subject},
                {"summary", cause.summary},
                {"evidence", cause.evidence},
                {"explains", diagnosis.explains},
                {"together_with", diagnosis.together_with},
                {"affects", diagnosis.affects},
                {"fix", Json{{"commands", cause.commands}, {"automatic", to_string(cause.automatic)}}}};
}

Json fix_of(const Fix& fix) {
    return Json{{"id", fix.id},
                {"host", fix.host},
                {"cause", fix.cause},
                {"change", Json::parse(change_to_json(fix.change))},
                {"command", fix.command},
                {"status", to_string(fix.status)},
                {"reason", text_or_null(fix.reason)}};
}

template <class T>
void write_list(std::ostream& out, const std::vector<T>& list, Json (*convert)(const T&)) {
    const char* separator = "\n  ";
    out << '[';
    for (const T& element : list) {
        out << separator << dump(convert(element));
        separator = ",\n  ";
    }
    out << ']';
}

}  // namespace

void write_json(const Report& report, std::ostream& out) {
    const Json tool{{"name", "podroute"}, {"version", report.run.tool_version}};
    out << R"({"schema":"podroute.report/1","tool":)" << dump(tool);
    out << ",\n \"run\":" << dump(run_of(report));
    out << ",\n \"inventory\":{\"hosts\":";
    write_list(out, report.inventory.hosts, &host_of);
    out << "},\n \"summary\":" << dump(summary_of(report));
    out << ",\n \"checks\":";
    write_list(out, report.checks, &check_of);
    out << ",\n \"probes\":";
    write_list(out, report.probes, &probe_of);
    out << ",\n \"paths\":";
    write_list(out, report.paths, &path_of);
    out << ",\n \"diagnoses\":";
    write_list(out, report.diagnoses, &diagnosis_of);
    out << ",\n \"fixes\":";
    write_list(out, report.fixes, &fix_of);
    out << "}\n";
}

std::string render_json(const Report& report) {
    std::ostringstream out;
    write_json(report, out);
    return std::move(out).str();
}

}  // namespace podroute
