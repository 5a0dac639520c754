// Journals: what goes in comes out, hostile bytes are an error, a file is there whole or not at all; and the
// words by which a fixer is known.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/fixer_socket.h"
#include "agent/journal.h"
#include "agent/watchdog_start.h"

namespace podroute {
namespace {

using namespace agent;
namespace fs = std::filesystem;

Journal sample(const std::string& run = "run1") {
    Route r;
    r.destination = Prefix::parse("10.200.1.0/24").value();
    r.protocol = 112;
    r.next_hops = {{Address::parse("10.240.0.21").value(), 2, 0, 1}};
    return {1,
            run,
            "2026-11-24T10:00:00Z",
            "boot",
            "17",
            {{RouteObject{r.destination, 254, 0, 0}, std::nullopt, State{r}},
             {SysctlObject{"ipv4/ip_forward"}, State{std::string("0")}, State{std::string("1")}}}};
}

TEST(AgentJournal, KeepsEverything) {
    const auto back = journal_from_json(journal_to_json(sample()));
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(*back, sample());
}

TEST(AgentJournal, CutAnywhereItIsDamaged) {
    const auto whole = journal_to_json(sample());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto cut = journal_from_json(whole.substr(0, n));
        ASSERT_FALSE(cut) << n;
        EXPECT_EQ(cut.error().code, "journal");
    }
}

TEST(AgentJournal, HostileBytesAreAnError) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) { RC_ASSERT(!journal_from_json(bytes)); }));
    for (
        const std::string bytes :
        {R"({"changes":[]})", R"({"version":1,"run":"a","changes":{}})",
         R"({"version":1,"run":"a","changes":[{}]})",
         R"({"version":1,"run":"a","changes":[{"object":{"route":{}},"after":{"text":"x"}}]})",
         R"({"version":1,"run":"a","changes":[{"object":{"file":{"path":"/etc/passwd"}},"after":{"text":"x"}}]})",
         R"({"version":1,"run":"a","boot":"a\nb","changes":[]})", R"({"version":-1,"run":"a","changes":[]})"})
        EXPECT_FALSE(journal_from_json(bytes)) << bytes;
    EXPECT_FALSE(journal_from_json(std::string(9 << 20, ' ')));
    EXPECT_FALSE(journal_from_json(R"({"version":1,"run":"a","changes":)" + std::string(100'000, '[')));
    // One byte changed is an error, or another journal that is well-formed: never a crash.
    const auto whole = journal_to_json(sample());
    EXPECT_TRUE(rc::check([&](std::size_t at, char c) {
        auto bytes = whole;
        bytes[at % bytes.size()] = c;
        static_cast<void>(journal_from_json(bytes));
    }));
}

class AgentJournalFolder : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(geteuid(), 0U) << "a journal is root's";
        ASSERT_NE(mkdtemp(base.data()), nullptr);
    }
    void TearDown() override { fs::remove_all(base); }
    std::string base = testing::TempDir() + "podroute-journal-XXXXXX";
    JournalFolder folder() const { return {base + "/podroute", "4026531840"}; }
};

TEST_F(AgentJournalFolder, StoresOnceFindsAndLeavesNothing) {
    const auto here = folder();
    EXPECT_EQ(here.first().value(), std::nullopt);
    ASSERT_TRUE(here.store(sample()));
    const auto again = here.store(sample());
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().text.find("File exists"), std::string::npos) << again.error().text;
    const auto path = here.first().value();
    ASSERT_EQ(path, base + "/podroute/run1-4026531840.json");
    EXPECT_EQ(JournalFolder::load(*path).value(), sample());
    struct stat s {};
    ASSERT_EQ(stat(path->c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777U, 0600U);
    ASSERT_TRUE(here.store(sample("run0")));
    EXPECT_EQ(here.first().value(), base + "/podroute/run0-4026531840.json");
    EXPECT_TRUE(here.remove(here.path_of("run0")));
    EXPECT_TRUE(here.remove(*path));
    EXPECT_TRUE(here.remove(*path)) << "gone is gone";
    EXPECT_TRUE(fs::is_empty(base));
}

TEST_F(AgentJournalFolder, ThoseOfAnotherNamespaceAreNotOurs) {
    const JournalFolder other(base + "/podroute", "4026531841");
    ASSERT_TRUE(other.store(sample()));
    EXPECT_EQ(folder().first().value(), std::nullopt);
    ASSERT_TRUE(folder().store(sample())) << "of the same run";
    EXPECT_TRUE(other.remove(other.path_of("run1")));
    EXPECT_TRUE(folder().first().value().has_value());
}

TEST_F(AgentJournalFolder, WhatWasKilledWhileItWroteOrRemovedIsCleared) {
    const auto here = folder();
    EXPECT_FALSE(here.exists().value());
    fs::create_directory(base + "/podroute");
    EXPECT_TRUE(here.exists().value());
    EXPECT_TRUE(here.clear());
    EXPECT_TRUE(fs::is_empty(base));
    fs::create_directory(base + "/podroute");
    std::ofstream(here.path_of("run1") + ".part") << R"({"version":1,"run")";
    EXPECT_EQ(here.first().value(), std::nullopt) << "its changes were not begun";
    EXPECT_FALSE(here.store(sample())) << "of a live one, or to be cleared first";
    EXPECT_TRUE(here.clear());
    EXPECT_TRUE(fs::is_empty(base));
    // Killed behind the last step but one: the journal is whole.
    ASSERT_TRUE(here.store(sample()));
    fs::create_hard_link(here.path_of("run1"), here.path_of("run1") + ".part");
    EXPECT_TRUE(JournalFolder(base + "/podroute", "4026531841").clear());
    EXPECT_TRUE(fs::exists(here.path_of("run1") + ".part")) << "another namespace's";
    EXPECT_TRUE(here.clear());
    EXPECT_FALSE(fs::exists(here.path_of("run1") + ".part"));
    EXPECT_EQ(JournalFolder::load(here.path_of("run1")).value(), sample());
}

TEST_F(AgentJournalFolder, OnlyAFileOfRootAloneIsFollowed) {
    const auto here = folder();
    ASSERT_TRUE(here.store(sample()));
    const auto path = here.path_of("run1");
    ASSERT_EQ(chmod(path.c_str(), 0620), 0);
    EXPECT_FALSE(JournalFolder::load(path));
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
    ASSERT_EQ(chown(path.c_str(), 65534, 0), 0);
    EXPECT_FALSE(JournalFolder::load(path));
    fs::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const auto fifo = JournalFolder::load(path);
    ASSERT_FALSE(fifo);
    EXPECT_NE(fifo.error().text.find(path), std::string::npos);
    fs::remove(path);
    ASSERT_EQ(chmod((base + "/podroute").c_str(), 0777), 0);
    EXPECT_FALSE(here.first());
    EXPECT_FALSE(here.store(sample()));
}

TEST_F(AgentJournalFolder, ARunThatIsNoNameMakesNoFile) {
    for (const std::string run : {"", "../x", "a/b", ".a", "a b"})
        EXPECT_FALSE(folder().store(sample(run))) << run;
    EXPECT_TRUE(fs::is_empty(base));
}

TEST(AgentFixerWords, ALineIsReadBackAndHostileOnesAreNone) {
    const Holder holder{123, "run1", "2026-11-24T10:00:00Z", 99, 0};
    const auto line = to_line(holder);
    EXPECT_EQ(line, "123 run1 2026-11-24T10:00:00Z 99\n");
    const auto back = parse_line(line.substr(0, line.size() - 1));
    ASSERT_TRUE(back);
    EXPECT_EQ(to_line(*back), line);
    for (const std::string bad :
         {"", "1 2 3", "x run1 2026 1", "1 ../x 2026 1", "1 run1 now 1", "1 run1 2026 -1", "1 run1 2026 1 1",
          "1  2026 1", "99999999999 run1 2026 1", "1 run1 \x1b[2J 1"})
        EXPECT_FALSE(parse_line(bad)) << bad;
    EXPECT_TRUE(rc::check([](const std::string& text) { static_cast<void>(parse_line(text)); }));
}

TEST(AgentFixerWords, OfTheCommandLine) {
    const WatchdogOptions options{"run1", "2026-11-24T10:00:00Z", 99};
    auto words = to_words(options);
    std::vector<char*> pointers;
    for (auto& w : words) pointers.push_back(w.data());
    const auto back = parse_words(pointers);
    ASSERT_TRUE(back);
    EXPECT_EQ(to_words(*back), words);
    pointers.pop_back();
    EXPECT_FALSE(parse_words(pointers));
    const auto own = "/proc/" + std::to_string(getpid()) + "/exe";
    EXPECT_EQ(
        service_command(options, 0),
        (std::vector<std::string>{"systemd-run", "--collect", "--quiet", "--unit=podroute-watchdog-run1",
                                  "--", own, "--watchdog", "run1", "2026-11-24T10:00:00Z", "99"}));
    EXPECT_EQ(service_command(options, 2)[3], "--unit=podroute-watchdog-run1-2");
}

TEST(AgentFixerWords, WhoHoldsTheSocketIsSaid) {
    EXPECT_EQ(busy({7, "run1", "2026-11-24T10:00:00Z", 6, 0}).text,
              "process 7 of run run1, started 2026-11-24T10:00:00Z, changes this host");
    EXPECT_EQ(busy({7, "", "", 0, 1000}).text, "process 7 of user 1000 holds the name of the fixer");
    EXPECT_EQ(busy({7, "", "", 0, 0}).code, "fixer-busy");
}

}  // namespace
}  // namespace podroute
