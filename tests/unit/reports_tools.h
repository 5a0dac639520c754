// Help for the tests of reports/: a directory that goes away, programs run on a file, hostile strings.
#pragma once

#include <rapidcheck.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "model/report.h"

namespace podroute::testing_tools {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "podroute-reports-XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

inline std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

inline void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

// The exit code; -1 if the program could not be run.
inline int run_program(std::vector<std::string> words) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    if (posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return -1;
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

// Any bytes, with what hurts more often than chance would have it.
inline std::string nasty_string() {
    static const std::array<std::string, 12> kPieces{"\x1b[2J",      "]]>",
                                                     "<!--",         "\r\n",
                                                     "\xff\xfe",     "\xc0\xaf",
                                                     "\xef\xbf\xbf", "\xe2\x80\xae",
                                                     "&amp;\"'<",    "\xf0\x9f\x98\x80",
                                                     "\xc2\x9b",     "/"};
    std::string text;
    for (const auto& part : *rc::gen::container<std::vector<std::string>>(
             rc::gen::oneOf(rc::gen::arbitrary<std::string>(), rc::gen::elementOf(kPieces))))
        text += part;
    return text;
}

// A report whose every string may be anything.
inline Report nasty_report() {
    Report report;
    report.run.id = nasty_string();
    report.run.started = nasty_string();
    report.run.tool_version = nasty_string();
    report.verdict =
        *rc::gen::element(RunVerdict::pass, RunVerdict::fail, RunVerdict::unknown, RunVerdict::aborted);
    if (*rc::gen::arbitrary<bool>()) report.error = Error{nasty_string(), nasty_string(), nasty_string()};
    InventoryHost host;
    host.name = nasty_string();
    host.fqdn = nasty_string();
    report.inventory.hosts.push_back(host);
    report.pairs = {4, 2, 1, 1};
    const auto checks = *rc::gen::inRange(0, 5);
    for (int i = 0; i < checks; ++i) {
        Verdict verdict;
        verdict.check = nasty_string();
        verdict.host = nasty_string();
        verdict.subject = nasty_string();
        verdict.message = nasty_string();
        verdict.expected = nasty_string();
        verdict.observed = nasty_string();
        verdict.blocked_by = nasty_string();
        verdict.layer = static_cast<Layer>(*rc::gen::inRange(0, 11));
        verdict.status = static_cast<Status>(*rc::gen::inRange(0, 5));
        report.checks.push_back({*rc::gen::element<std::string>("same", nasty_string()), verdict});
    }
    Diagnosis diagnosis;
    diagnosis.cause.code = nasty_string();
    diagnosis.cause.severity = static_cast<Severity>(*rc::gen::inRange(0, 3));
    diagnosis.cause.host = nasty_string();
    diagnosis.cause.subject = nasty_string();
    diagnosis.cause.summary = nasty_string();
    diagnosis.cause.evidence = {nasty_string(), nasty_string()};
    diagnosis.cause.commands = {nasty_string()};
    diagnosis.together_with = {nasty_string()};
    diagnosis.affects = {"same"};
    diagnosis.explains = 1;
    report.diagnoses.push_back(diagnosis);
    report.paths.push_back({nasty_string(),
                            nasty_string(),
                            "request",
                            {nasty_string()},
                            {nasty_string()},
                            "fail",
                            nasty_string()});
    return report;
}

}  // namespace podroute::testing_tools
