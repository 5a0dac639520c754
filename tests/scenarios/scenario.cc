// Reads scenarios and compares reports with them.
#include "tests/scenarios/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/scenarios/packets.h"

namespace podroute::testing {
namespace {

using nlohmann::json;

json read_json(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot be opened: " + path);
    return json::parse(in);
}

// The object as the JSON Lines that read_snapshot() wants.
std::string as_lines(const json& object) {
    json header = object;
    header.erase("hosts");
    header.erase("rounds");
    std::string lines = header.dump() + "\n";
    for (const auto& [name, facts] : object.at("hosts").items())
        lines += json{{"host", name}, {"facts", facts}}.dump() + "\n";
    for (const json& round : object.at("rounds")) lines += json{{"round", round}}.dump() + "\n";
    return lines + json{{"end", true}}.dump() + "\n";
}

std::optional<Vantage> vantage(const json& rule, const char* name) {
    if (!rule.contains(name)) return std::nullopt;
    return rule.at(name) == "pod" ? Vantage::pod : Vantage::node;
}

Protocol protocol(const std::string& name) {
    for (const Protocol p : {Protocol::icmp, Protocol::tcp, Protocol::udp})
        if (to_string(p) == name) return p;
    throw std::runtime_error("no protocol: " + name);
}

PacketRule rule_of(const json& j) {
    PacketRule rule;
    using Where = PacketRule::Where;
    for (const auto& [word, where] :
         {std::pair{"inside", Where::inside}, {"leaving", Where::leaving}, {"entering", Where::entering}}) {
        if (!j.contains(word)) continue;
        rule.where = where;
        rule.host = j.at(word).get<std::string>();
    }
    if (j.contains("protocol")) rule.protocol = protocol(j.at("protocol"));
    rule.sender = j.value("sender", "");
    rule.target = j.value("target", "");
    rule.from = vantage(j, "from");
    rule.to = vantage(j, "to");
    if (j.contains("leg")) rule.leg = j.at("leg") == "request" ? ProbeLeg::request : ProbeLeg::reply;
    rule.larger = j.value("larger", 0U);
    rule.keep = j.value("keep", 0U);
    rule.first = j.value("first", 0U);
    rule.answers = j.value("answers", false);
    rule.reset = j.value("reset", false);
    if (j.contains("by")) rule.by = *Address::parse(j.at("by").get<std::string>());
    rule.names = j.value("names", 0U);
    rule.leads = j.value("leads", "");
    rule.passes = j.value("passes", "");
    rule.unknown = j.value("unknown", "");
    rule.refuses = j.value("refuses", 0);
    if (j.contains("rewrite")) rule.rewrite = Address::parse(j.at("rewrite").get<std::string>()).value();
    const std::string reject = j.value("reject", "");
    if (const auto slash = reject.find('/'); slash != std::string::npos) {
        rule.reject_type = static_cast<std::uint8_t>(std::stoi(reject));
        rule.reject_code = static_cast<std::uint8_t>(std::stoi(reject.substr(slash + 1)));
    }
    return rule;
}

PacketWorld world_of(const json& file) {
    PacketWorld world;
    for (const json& rule : file.at("packets")) world.rules.push_back(rule_of(rule));
    for (const json& leg : file.value("next_hops", json::array()))
        world.next_hops.push_back({leg.at("source"), leg.at("target"),
                                   Address::parse(leg.at("via").get<std::string>()).value(),
                                   leg.at("arrived").get<std::uint32_t>(), leg.value("later", 0U)});
    world.ladders = file.value("ladders", true);
    world.without_pod = file.value("without_pod", std::vector<std::string>{});
    world.lost = file.value("lost", std::vector<std::string>{});
    world.deaf = file.value("deaf", std::vector<std::string>{});
    if (!file.contains("protocols")) return world;
    world.protocols.clear();
    for (const json& name : file.at("protocols")) world.protocols.push_back(protocol(name));
    return world;
}

Scenario read(const std::string& name) {
    const json file = read_json(std::string(SCENARIOS_FOLDER) + "/" + name + ".json");
    Scenario scenario;
    scenario.name = file.at("name").get<std::string>();
    if (scenario.name != name) throw std::runtime_error("its name is not that of its file");
    scenario.checks = file.at("checks").get<std::vector<std::string>>();
    for (const json& cause : file.at("want").at("causes"))
        scenario.causes.push_back({cause.at("code").get<std::string>(), cause.at("host").get<std::string>(),
                                   cause.value("severity", "error"), cause.value("subject", ""),
                                   cause.value("together_with", std::set<std::string>{})});
    std::sort(scenario.causes.begin(), scenario.causes.end());
    scenario.exit_code = file.at("want").at("exit_code").get<int>();
    const json base =
        read_json(std::string(SNAPSHOTS_FOLDER) + "/" + file.at("base").get<std::string>() + ".json");
    std::istringstream lines(as_lines(base.patch(file.at("patch"))));
    auto snapshot = read_snapshot(lines, name);
    if (!snapshot) throw std::runtime_error(snapshot.error().where + ": " + snapshot.error().text);
    scenario.snapshot = std::move(*snapshot);
    if (file.contains("packets")) send_packets(scenario.snapshot, world_of(file));
    return scenario;
}

std::string text_of(const std::vector<WantedCause>& causes) {
    std::string text;
    for (const WantedCause& cause : causes) {
        text += "\n  " + cause.severity + "[" + cause.code + "] " + cause.host + " " + cause.subject;
        for (const std::string& id : cause.together_with) text += ", together with " + id;
    }
    return text.empty() ? "\n  nothing" : text;
}

bool fits(const WantedCause& wanted, const WantedCause& found) {
    return wanted.code == found.code && wanted.host == found.host && wanted.severity == found.severity &&
           (wanted.subject.empty() || wanted.subject == found.subject) &&
           (wanted.together_with.empty() || wanted.together_with == found.together_with);
}

}  // namespace

std::vector<std::string> scenario_names() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(SCENARIOS_FOLDER, error))
        if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

Result<Scenario> load_scenario(const std::string& name) {
    try {
        return read(name);
    } catch (const std::exception& e) {
        return failure("bad-scenario", e.what(), name);
    }
}

std::string difference(const Scenario& scenario, const Report& report) {
    std::vector<WantedCause> found;
    for (const Diagnosis& diagnosis : report.diagnoses) {
        const Cause& cause = diagnosis.cause;
        if (cause.severity != Severity::info)
            found.push_back({cause.code,
                             cause.host,
                             std::string(to_string(cause.severity)),
                             cause.subject,
                             {diagnosis.together_with.begin(), diagnosis.together_with.end()}});
    }
    std::sort(found.begin(), found.end());
    std::string text;
    const bool same =
        std::is_permutation(scenario.causes.begin(), scenario.causes.end(), found.begin(), found.end(), fits);
    if (!same) text += "wanted:" + text_of(scenario.causes) + "\nfound:" + text_of(found) + "\n";
    if (report.exit_code != scenario.exit_code)
        text += "exit code " + std::to_string(report.exit_code) + ", wanted " +
                std::to_string(scenario.exit_code) + "\n";
    return text;
}

}  // namespace podroute::testing
