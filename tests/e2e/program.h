// podroute in a lab, run on the jumpbox with packets, and the report of a run as a real validator accepts it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fixtures/lab/lab.h"

namespace podroute::lab {

struct Ran {
    int exit_code = -1;
    std::string output, errors;
    nlohmann::json report;  // null if there is none

    // "CODE@HOST" of the diagnoses of this severity, each once, sorted.
    std::vector<std::string> named(const std::string& severity) const {
        std::vector<std::string> found;
        if (!report.is_object()) return {"no report"};
        for (const auto& d : report.at("diagnoses"))
            if (d.at("severity") == severity)
                found.push_back(d.at("code").get<std::string>() + "@" +
                                (d.at("host").is_string() ? d.at("host").get<std::string>() : "-"));
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }
    std::string all() const { return fmt::format("exit code {}\n{}\n{}", exit_code, output, errors); }
};

class Program {
  public:
    // Up until it is destroyed. A lab that does not come up is a failure of the test.
    explicit Program(LabOptions options) {
        auto lab = Lab::up(options);
        if (!lab)
            ADD_FAILURE() << lab.error().text;
        else
            lab_ = std::make_unique<Lab>(std::move(*lab));
    }
    bool up() const { return lab_ != nullptr; }

    Finished in(const std::string& host, const std::string& shell) const {
        return (**lab_).run(host, {"sh", "-c", shell}, {}, std::chrono::seconds(90));
    }
    // `words` go to the shell; the inventory and reports are added. Its process id stands in /root/pid.
    Ran run(const std::string& words) const {
        const auto ended =
            in("jumpbox", fmt::format("rm -f /root/report.*; echo $$ >/root/pid; exec {} {} --machines "
                                      "/root/machines.txt --json /root/report.json --junit /root/report.xml",
                                      PODROUTE, words));
        Ran ran{ended.exit_code, ended.output, ended.errors, nullptr};
        const auto valid =
            in("jumpbox", "/usr/bin/python3 -W ignore -m jsonschema -i /root/report.json " REPORT_SCHEMA);
        EXPECT_EQ(valid.exit_code, 0) << valid.output << valid.errors << ran.all();
        ran.report = nlohmann::json::parse(in("jumpbox", "cat /root/report.json").output, nullptr, false);
        return ran;
    }

  private:
    std::unique_ptr<Lab> lab_;
};

}  // namespace podroute::lab
