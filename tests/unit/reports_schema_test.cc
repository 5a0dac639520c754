// Real reports against the JSON Schema, by a validator that is not ours.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/json.h"
#include "tests/golden/sample_reports.h"
#include "tests/unit/reports_tools.h"

namespace podroute {
namespace {

using nlohmann::ordered_json;
using testing_tools::TemporaryDirectory;

const std::string kSchema = std::string(PODROUTE_SOURCE_DIR) + "/reports/podroute.report.schema.json";

// 0: all are valid.
int validate(const std::vector<std::string>& files) {
    std::vector<std::string> words{"/usr/bin/python3", "-W", "ignore", "-m", "jsonschema"};
    for (const std::string& file : files) words.insert(words.end(), {"-i", file});
    words.push_back(kSchema);
    return testing_tools::run_program(words);
}

TEST(JsonSchema, EveryKindOfReportIsValid) {
    const TemporaryDirectory directory;
    auto samples = samples::all();
    samples.push_back({"no-routes-21", samples::no_routes(20)});
    samples.push_back({"empty", aborted_report({}, {}, {"internal", "an error", "somewhere"})});
    samples.push_back({"next-hop", samples::packets()});
    samples.back().report.probes.front().next_hop = Address::parse("10.240.0.21").value();
    samples.push_back({"not-recorded", samples::failing()});
    samples.back().report.error = Error{"capture-not-written", "not written whole", "run.pcapng"};
    samples.back().report.exit_code = 70;
    std::vector<std::string> files;
    for (const auto& sample : samples) {
        files.push_back(directory.file(sample.name + ".json"));
        testing_tools::put(files.back(), render_json(sample.report));
    }
    EXPECT_EQ(validate(files), 0);
}

TEST(JsonSchema, BrokenReportsAreRejected) {
    const TemporaryDirectory directory;
    const ordered_json good = ordered_json::parse(render_json(samples::failing()));
    const std::vector<std::pair<std::string, ordered_json>> patches{
        {"no diagnoses", {{{"op", "remove"}, {"path", "/diagnoses"}}}},
        {"a field too many", {{{"op", "add"}, {"path", "/run/mood"}, {"value", "good"}}}},
        {"no such layer", {{{"op", "replace"}, {"path", "/checks/0/layer"}, {"value", "cabling"}}}},
        {"no such status", {{{"op", "replace"}, {"path", "/checks/0/status"}, {"value", "green"}}}},
        {"pass with exit code 1", {{{"op", "replace"}, {"path", "/run/verdict"}, {"value", "pass"}}}},
        {"a failure with exit code 70 and no error",
         {{{"op", "replace"}, {"path", "/run/exit_code"}, {"value", 70}}}},
        {"aborted without an error", {{{"op", "replace"}, {"path", "/run/verdict"}, {"value", "aborted"}}}},
        {"a code in upper case",
         {{{"op", "replace"}, {"path", "/diagnoses/0/code"}, {"value", "Route-Missing"}}}},
        {"another schema", {{{"op", "replace"}, {"path", "/schema"}, {"value", "podroute.report/2"}}}}};
    for (const auto& [name, patch] : patches) {
        const std::string file = directory.file("broken.json");
        testing_tools::put(file,
                           good.patch(ordered_json::array({patch.is_array() ? patch[0] : patch})).dump());
        EXPECT_EQ(validate({file}), 1) << name;
    }
}

TEST(Json, NamesTheNextHopOfWhatWasSentByOne) {
    Report report = samples::packets();
    report.probes.front().next_hop = Address::parse("10.240.0.21").value();
    const ordered_json probes = ordered_json::parse(render_json(report))["probes"];
    EXPECT_EQ(probes[0]["next_hop"], "10.240.0.21");
    EXPECT_FALSE(probes[1].contains("next_hop"));
}

TEST(Json, KeepsTheOrderAndTheFieldsOfTheContract) {
    const ordered_json report = ordered_json::parse(render_json(samples::failing()));
    std::vector<std::string> keys;
    for (const auto& [key, value] : report.items()) keys.push_back(key);
    const std::vector<std::string> wanted{"schema", "tool",   "run",   "inventory", "summary",
                                          "checks", "probes", "paths", "diagnoses", "fixes"};
    EXPECT_EQ(keys, wanted);
    EXPECT_EQ(report["diagnoses"][0]["code"], "route-missing");
    EXPECT_EQ(report["diagnoses"][0]["host"], "node-0");
    EXPECT_EQ(report["diagnoses"][0]["fix"]["automatic"], "add");
    EXPECT_EQ(report["diagnoses"][0]["affects"][0], report["checks"][8]["id"]);
}

TEST(Json, ACauseOfNoHostHasNull) {
    Report report = samples::failing();
    report.diagnoses[0].cause.host.clear();
    EXPECT_TRUE(ordered_json::parse(render_json(report))["diagnoses"][0]["host"].is_null());
}

RC_GTEST_PROP(Json, IsAlwaysJson, ()) {
    const std::string text = render_json(testing_tools::nasty_report());
    RC_ASSERT(ordered_json::accept(text));
}

}  // namespace
}  // namespace podroute
