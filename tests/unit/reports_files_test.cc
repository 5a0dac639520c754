// Report files are whole and red until the run has ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "reports/files.h"
#include "reports/json.h"
#include "tests/golden/sample_reports.h"
#include "tests/unit/reports_tools.h"

namespace podroute {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_tools::contents;
using testing_tools::put;

class Files : public testing::Test {
  protected:
    std::size_t entries() const {
        const fs::path directory = fs::path(directory_.file("x")).parent_path();
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
    }
    std::string error_of(const std::string& path) const {
        const auto written = write_atomically(path, "new");
        return written ? "written" : written.error().text;
    }
    testing_tools::TemporaryDirectory directory_;
};

TEST_F(Files, AreAbortedFirstAndRealAtTheEnd) {
    const ReportTargets targets{directory_.file("r.json"), directory_.file("r.xml"), {}};
    const auto files = ReportFiles::open(targets, samples::aborted());
    ASSERT_TRUE(files) << files.error().text;
    EXPECT_EQ(contents(targets.json), render_json(samples::aborted()));
    EXPECT_THAT(contents(targets.junit), HasSubstr("<error type=\"aborted\""));
    ASSERT_TRUE(files->write(samples::passing()));
    EXPECT_EQ(contents(targets.json), render_json(samples::passing()));
    EXPECT_EQ(contents(targets.junit), render_junit(samples::passing()));
    EXPECT_EQ(entries(), 2U) << "nothing is left beside them";
}

// A report that passed beside one that could not be written would say more than the run can hold.
TEST_F(Files, WhereOneCannotBeWrittenNoneSaysThatTheRunPassed) {
    const std::string folder = directory_.file("gone");
    std::filesystem::create_directory(folder);
    const ReportTargets targets{directory_.file("r.json"), folder + "/r.xml", {}};
    const auto files = ReportFiles::open(targets, samples::aborted());
    ASSERT_TRUE(files) << files.error().text;
    std::filesystem::remove_all(folder);
    EXPECT_FALSE(files->write(samples::passing()));
    EXPECT_EQ(contents(targets.json), render_json(samples::aborted()));
    files->write_what_can_be(samples::no_routes(2));
    EXPECT_EQ(contents(targets.json), render_json(samples::no_routes(2)));
    EXPECT_EQ(entries(), 1U) << "nothing is left beside it";
}

TEST_F(Files, AnOldGreenReportDoesNotOutliveTheStartOfARun) {
    const std::string path = directory_.file("r.json");
    put(path, render_json(samples::passing()));
    ASSERT_TRUE(ReportFiles::open({path, "", {}}, samples::aborted()));
    EXPECT_EQ(nlohmann::json::parse(contents(path))["run"]["verdict"], "aborted");
}

TEST_F(Files, WithoutTargetsNothingIsWritten) {
    const auto files = ReportFiles::open({}, samples::aborted());
    ASSERT_TRUE(files);
    EXPECT_TRUE(files->write(samples::passing()));
    EXPECT_EQ(entries(), 0U);
}

// A writer that is killed again and again, at any moment: every reader finds a whole report.
TEST_F(Files, AreWholeWheneverTheWriterIsKilled) {
    const std::string path = directory_.file("r.json");
    const std::string small = render_json(samples::aborted());
    const std::string large = render_json(samples::no_routes(12));
    for (int round = 0; round < 15; ++round) {
        const pid_t writer = fork();
        ASSERT_GE(writer, 0);
        if (writer == 0) {
            for (;;) {
                (void)write_atomically(path, small);
                (void)write_atomically(path, large);
            }
        }
        usleep(static_cast<useconds_t>(3000 + round * 700));
        kill(writer, SIGKILL);
        ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
        if (!fs::exists(path)) continue;  // killed before its first report
        const std::string found = contents(path);
        EXPECT_TRUE(found == small || found == large) << found.size() << " bytes";
    }
    EXPECT_TRUE(fs::exists(path));
}

TEST_F(Files, SayWhatIsInTheWay) {
    EXPECT_THAT(error_of(directory_.file("no/such/r.json")), HasSubstr("there is no directory"));
    EXPECT_THAT(error_of(fs::path(directory_.file("x")).parent_path().string()),
                HasSubstr("it is a directory"));
    EXPECT_THAT(error_of("-"), HasSubstr("give a file name"));
    put(directory_.file("file"), "");
    EXPECT_THAT(error_of(directory_.file("file/r.json")), HasSubstr("Not a directory"));
    EXPECT_THAT(error_of(directory_.file(std::string(300, 'n'))), HasSubstr("too long"));
}

TEST_F(Files, DoNotReplaceADeviceOrAFifo) {
    const std::string fifo = directory_.file("fifo");
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_THAT(error_of(fifo), HasSubstr("not a regular file"));
    EXPECT_THAT(error_of("/dev/null"), HasSubstr("not a regular file"));
    EXPECT_TRUE(fs::is_fifo(fifo));
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Files, FollowSymbolicLinksAndLeaveThem) {
    fs::create_directory(directory_.file("real"));
    fs::create_symlink("real/r.json", directory_.file("link"));  // dangles
    ASSERT_TRUE(write_atomically(directory_.file("link"), "one"));
    ASSERT_TRUE(write_atomically(directory_.file("link"), "two"));
    EXPECT_TRUE(fs::is_symlink(directory_.file("link")));
    EXPECT_EQ(contents(directory_.file("real/r.json")), "two");
    fs::create_symlink("loop", directory_.file("loop"));
    EXPECT_THAT(error_of(directory_.file("loop")), HasSubstr("symbolic link"));
}

TEST_F(Files, OneFileByTwoNamesIsTheSameAlsoBeforeItIsThere) {
    const std::string plain = directory_.file("a");
    fs::create_symlink("a", directory_.file("link"));
    fs::create_directory_symlink(".", directory_.file("here"));
    for (const std::string name : {"a", "./a", "link", "here/a", "here/link"}) {
        EXPECT_TRUE(same_file(plain, directory_.file(name))) << name;
        EXPECT_TRUE(same_file(directory_.file(name), plain)) << name;
    }
    EXPECT_FALSE(same_file(plain, directory_.file("b")));
    EXPECT_FALSE(same_file(plain, directory_.file("nowhere/a")));
    EXPECT_FALSE(same_file("", ""));
    std::ofstream(plain) << "x";
    fs::create_hard_link(plain, directory_.file("hard"));
    EXPECT_TRUE(same_file(plain, directory_.file("link")));
    EXPECT_TRUE(same_file(plain, directory_.file("hard")));
    EXPECT_FALSE(same_file("/dev/null", "/dev/null")) << "nothing that is replaced";
}

TEST_F(Files, RefuseOneFileForBothReports) {
    const std::string path = directory_.file("report");
    const auto files = ReportFiles::open({path, directory_.file("./report"), {}}, samples::aborted());
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().text, HasSubstr("the same file"));
    EXPECT_EQ(files.error().code, "report-not-written");
}

TEST_F(Files, OneThatCannotBeWrittenDoesNotKeepBackTheOther) {
    const std::string junit = directory_.file("r.xml");
    const auto files = ReportFiles::open({directory_.file("no/r.json"), junit, {}}, samples::aborted());
    EXPECT_FALSE(files);
    EXPECT_THAT(contents(junit), HasSubstr("<error type=\"aborted\""));
}

TEST_F(Files, RelativeNamesAreOfTheWorkingDirectory) {
    const fs::path before = fs::current_path();
    fs::current_path(fs::path(directory_.file("x")).parent_path());
    const auto written = write_atomically("r.json", "here");
    fs::current_path(before);
    EXPECT_TRUE(written);
    EXPECT_EQ(contents(directory_.file("r.json")), "here");
}

}  // namespace
}  // namespace podroute
