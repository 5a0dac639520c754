// Snapshots on disk: the same back, and hostile files end in an error that names the line.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>
#include <sstream>

#include "model/snapshot.h"

namespace podroute {
namespace {

Snapshot sample() {
    Snapshot s;
    s.run = {"ab12", "2026-01-02T03:04:05Z", 120, "0.1.0", "machines.txt", false, 1};
    s.policy.routing = Routing::host;
    s.policy.layers = {Layer::routes};
    s.policy.skip = {"reverse-path"};
    s.policy.login = {"bob", 2222, true};
    s.inventory = *parse_machines_txt("10.240.0.10 s.k server\n10.240.0.20 n.k node-0 10.200.0.0/24\n", "m");
    HostFacts facts;
    facts.hostname = "node-0";
    facts.login_user = "bob";
    s.hosts["node-0"] = facts;
    s.hosts["server"] = Unknown{"connection refused", "host-unreachable", "start sshd"};
    RoundResult round;
    round.hosts["node-0"] =
        HostFindings{{}, {{*Address::parse("10.240.0.10"), 2, "02:00:00:00:00:01", 2}}, {}};
    round.stage = RoundStage::detail;
    round.hosts["node-0"]->listened = Listened{{"eth0"}, 2};
    round.probes.emplace_back().not_sent = {{1, 3}};
    s.rounds.push_back(round);
    Fix fix;
    fix.id = "node-0/route-missing/10.200.1.0/24";
    fix.host = "node-0";
    fix.cause = "route-missing";
    Route route;
    route.destination = *Prefix::parse("10.200.1.0/24");
    fix.change = {RouteObject{route.destination}, std::nullopt, State{route}};
    fix.command = "ip route add";
    fix.status = FixStatus::reverted;
    fix.reason = "why";
    fix.diff = {"+ 10.200.1.0/24"};
    s.fixes.push_back(fix);
    return s;
}

std::string text(const Snapshot& s) {
    std::ostringstream out;
    write_snapshot(s, out);
    return out.str();
}

Result<Snapshot> read(const std::string& bytes) {
    std::istringstream in(bytes);
    return read_snapshot(in, "run.snapshot");
}

TEST(SnapshotFile, ComesBackEqual) {
    const auto back = read(text(sample()));
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(*back, sample());
}

// Rounds recorded before it was written down who listened are read as such, not as rounds in which nobody
// did.
TEST(SnapshotFile, ARoundThatDoesNotSayWhoListenedIsToldFromOneWhereNobodyDid) {
    Snapshot s = sample();
    s.rounds[0].hosts["node-0"]->listened.reset();
    s.rounds.push_back(s.rounds[0]);
    s.rounds[1].hosts["node-0"]->listened.emplace();
    const auto back = read(text(s));
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_FALSE(back->rounds[0].hosts.at("node-0")->listened);
    EXPECT_TRUE(back->rounds[1].hosts.at("node-0")->listened);
}

TEST(SnapshotFile, ACutFileIsRefusedAtEveryLine) {
    const auto whole = text(sample());
    for (std::size_t at = 0; (at = whole.find('\n', at + 1)) != std::string::npos && at + 1 < whole.size();)
        EXPECT_FALSE(read(whole.substr(0, at + 1)));
}

TEST(SnapshotFile, ErrorsNameTheLine) {
    auto bytes = text(sample());
    bytes.insert(bytes.find('\n') + 1, "{\"host\":\"nobody\",\"facts\":{}}\n");
    const auto back = read(bytes);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().where, "run.snapshot:2");
    EXPECT_NE(back.error().text.find("nobody"), std::string::npos);
}

TEST(SnapshotFile, AForeignFileIsNoSnapshot) {
    EXPECT_FALSE(read("{}\n"));
    EXPECT_FALSE(read("[]\n"));
    EXPECT_FALSE(read("10.240.0.10 server.kubernetes.local server\n"));
    EXPECT_FALSE(read(std::string(2'000'000, '[')));
}

TEST(SnapshotFile, TwoInOneFileAreRefused) {
    const auto whole = text(sample());
    const auto back = read(whole + whole);
    ASSERT_FALSE(back);
    EXPECT_NE(back.error().text.find("follows the end line"), std::string::npos) << back.error().text;
}

TEST(SnapshotFile, ADirectoryIsAnError) {
    std::ifstream in("/");
    const auto back = read_snapshot(in, "/");
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().text, "cannot be read: Is a directory");
    EXPECT_EQ(back.error().where, "/");
}

TEST(SnapshotFile, AHostTwiceIsRefused) {
    auto bytes = text(sample());
    const auto second = bytes.find('\n') + 1;
    bytes.insert(second, bytes.substr(second, bytes.find('\n', second) + 1 - second));
    EXPECT_FALSE(read(bytes));
}

TEST(SnapshotFile, AChangedByteNeverCrashes) {
    const auto whole = text(sample());
    EXPECT_TRUE(rc::check([&] {
        std::string changed = whole;
        changed[*rc::gen::inRange<std::size_t>(0, changed.size())] = *rc::gen::arbitrary<char>();
        static_cast<void>(read(changed));
    }));
}

}  // namespace
}  // namespace podroute
