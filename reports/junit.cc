#include "reports/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "reports/junit_cases.h"

namespace podroute {
namespace {

using junit::Case;
using junit::Outcome;

struct Suite {
    std::string name;
    std::vector<const Case*> cases;

    std::size_t count(Outcome outcome) const {
        return static_cast<std::size_t>(
            std::count_if(cases.begin(), cases.end(), [&](const Case* c) { return c->outcome == outcome; }));
    }
};

// In order of layers; run first, because it is always there; what --fix did last.
std::vector<Suite> suites_of(const std::vector<Case>& cases) {
    std::vector<Suite> suites{{"run", {}}};
    for (auto layer = Layer::inventory; layer <= Layer::path;
         layer = static_cast<Layer>(static_cast<int>(layer) + 1))
        suites.push_back({std::string(to_string(layer)), {}});
    suites.push_back({"fix", {}});
    for (const Case& c : cases)
        for (Suite& suite : suites)
            if (suite.name == c.suite) suite.cases.push_back(&c);
    std::erase_if(suites, [](const Suite& suite) { return suite.cases.empty(); });
    return suites;
}

std::string seconds(std::int64_t ms) {
    return fmt::format("{}.{:03}", std::max<std::int64_t>(ms, 0) / 1000,
                       std::max<std::int64_t>(ms, 0) % 1000);
}

void set(pugi::xml_node node, const char* name, const std::string& value) {
    node.append_attribute(name).set_value(value.c_str());
}

void set(pugi::xml_node node, const char* name, std::size_t value) {
    node.append_attribute(name).set_value(static_cast<unsigned long long>(value));
}

void append_text(pugi::xml_node node, const std::string& text) {
    if (!text.empty()) node.append_child(pugi::node_pcdata).set_value(text.c_str());
}

void append_case(pugi::xml_node parent, const Case& c, const std::string& time) {
    pugi::xml_node node = parent.append_child("testcase");
    set(node, "classname", c.classname);
    set(node, "name", c.name);
    set(node, "time", time);
    if (c.outcome == Outcome::pass) {
        if (!c.body.empty()) append_text(node.append_child("system-out"), c.body);
        return;
    }
    const char* element = c.outcome == Outcome::failure ? "failure"
                          : c.outcome == Outcome::error ? "error"
                                                        : "skipped";
    pugi::xml_node result = node.append_child(element);
    if (c.outcome != Outcome::skipped) set(result, "type", c.type);
    set(result, "message", c.message);
    if (c.outcome != Outcome::skipped) append_text(result, c.body);
}

void set_counts(pugi::xml_node node, const std::vector<const Case*>& cases) {
    const Suite all{"", cases};
    set(node, "tests", cases.size());
    set(node, "failures", all.count(Outcome::failure));
    set(node, "errors", all.count(Outcome::error));
    set(node, "skipped", all.count(Outcome::skipped));
}

// XML Schema dateTime without a zone, as every consumer reads it; it is UTC.
std::string timestamp(std::string started) {
    started.resize(std::min<std::size_t>(started.size(), 19));
    return junit::xml_line(started, 19);
}

}  // namespace

std::string render_junit(const Report& report, const JunitOptions& options) {
    const std::vector<Case> cases = junit::cases_of(report, options.max_cases);
    std::vector<const Case*> all;
    all.reserve(cases.size());
    for (const Case& c : cases) all.push_back(&c);
    const std::string total = seconds(report.run.duration_ms);

    pugi::xml_document document;
    pugi::xml_node declaration = document.append_child(pugi::node_declaration);
    set(declaration, "version", std::string("1.0"));
    set(declaration, "encoding", std::string("UTF-8"));
    pugi::xml_node root = document.append_child("testsuites");
    set(root, "name", std::string("podroute"));
    set_counts(root, all);
    set(root, "time", total);
    for (const Suite& suite : suites_of(cases)) {
        pugi::xml_node node = root.append_child("testsuite");
        set(node, "name", "podroute." + suite.name);
        set_counts(node, suite.cases);
        // All hosts are read at once, so that only the run as a whole has a time.
        const std::string time = suite.name == "run" ? total : "0.000";
        set(node, "time", time);
        set(node, "timestamp", timestamp(report.run.started));
        set(node, "hostname", junit::xml_line(options.hostname, 255));
        for (const Case* c : suite.cases) append_case(node, *c, c->name == "run" ? total : "0.000");
    }
    std::ostringstream out;
    document.save(out, " ", pugi::format_default, pugi::encoding_utf8);
    return std::move(out).str();
}

}  // namespace podroute
