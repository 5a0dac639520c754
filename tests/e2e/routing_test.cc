// Who delivers pod networks: the hosts' own routes, or the network between them (--routing).
#include <unistd.h>

#include "tests/e2e/program.h"

namespace podroute::lab {
namespace {

using Names = std::vector<std::string>;

// A network with a route table, and hosts that hold no pod route.
class RoutedByTheFabric : public testing::Test {
  protected:
    RoutedByTheFabric() : program_(options()) {}
    void SetUp() override { ASSERT_TRUE(program_.up()); }

    static LabOptions options() {
        LabOptions options;
        options.name = fmt::format("e2e-routing-{}", getpid());
        options.fabric = Fabric::l3;
        options.routes = false;
        return options;
    }
    std::size_t failed(const Ran& ran, const std::string& code) const {
        return static_cast<std::size_t>(
            std::count_if(ran.report["checks"].begin(), ran.report["checks"].end(),
                          [&](const auto& c) { return c["code"] == code && c["status"] == "fail"; }));
    }

    Program program_;
};

TEST_F(RoutedByTheFabric, AutoFindsItOutByThePackets) {
    const Ran ran = program_.run("verify");
    EXPECT_EQ(ran.exit_code, 0) << ran.all();
    EXPECT_EQ(ran.report["run"]["routing"], "fabric");
    EXPECT_EQ(ran.named("info"), Names{"routed-by-fabric@-"}) << ran.all();
    EXPECT_EQ(ran.report["summary"]["probes"]["sent"], ran.report["summary"]["probes"]["answered"]);
    // Nothing is added where nothing is missing.
    const Ran fixed = program_.run("verify --fix");
    EXPECT_EQ(fixed.exit_code, 0) << fixed.all();
    EXPECT_TRUE(fixed.report["fixes"].empty()) << fixed.report["fixes"];
}

TEST_F(RoutedByTheFabric, HostModeWantsTheRoutesAllTheSame) {
    const Ran ran = program_.run("verify --routing host");
    EXPECT_EQ(ran.exit_code, 1) << ran.all();
    EXPECT_EQ(ran.report["run"]["routing"], "host");
    EXPECT_EQ(ran.named("error"),
              (Names{"route-missing@node-0", "route-missing@node-1", "route-missing@server"}));
    EXPECT_EQ(failed(ran, "route-present"), 4U);
    EXPECT_EQ(failed(ran, "pod-icmp"), 0U);
    EXPECT_NE(ran.output.find("--routing fabric"), std::string::npos) << ran.all();
    // Without packets nothing tells that the network delivers.
    EXPECT_EQ(program_.run("verify --protocol none").exit_code, 1);
    EXPECT_EQ(program_.run("verify --protocol none --routing fabric").exit_code, 0);
}

TEST_F(RoutedByTheFabric, ADeadEntryIsTheFabricsFault) {
    ASSERT_EQ(program_.in("fabric", "ip route del 10.200.1.0/24").exit_code, 0);
    const Ran ran = program_.run("verify --routing fabric --fix");
    EXPECT_EQ(ran.exit_code, 1) << ran.all();
    EXPECT_EQ(ran.named("error"), Names{"fabric-drop@node-1"}) << ran.all();
    EXPECT_TRUE(ran.report["fixes"].empty()) << ran.report["fixes"];
    // Left to itself it expects what a tutorial's cluster holds, and says how to ask for the other.
    const Ran guessed = program_.run("verify");
    EXPECT_EQ(guessed.exit_code, 1);
    EXPECT_EQ(guessed.report["run"]["routing"], "host");
    EXPECT_NE(guessed.output.find("--routing fabric"), std::string::npos) << guessed.all();
}

// A switch delivers nothing for pods: with the wrong mode, packets say so, and no route is asserted.
TEST(RoutedByHosts, IsNoFabric) {
    LabOptions options;
    options.name = fmt::format("e2e-routing-l2-{}", getpid());
    const Program program(options);
    ASSERT_TRUE(program.up());
    EXPECT_EQ(program.run("verify --routing fabric").exit_code, 0);
    ASSERT_EQ(program.in("node-0", "ip route del 10.200.1.0/24").exit_code, 0);
    const Ran ran = program.run("verify --routing fabric --fix");
    EXPECT_EQ(ran.exit_code, 1) << ran.all();
    EXPECT_EQ(ran.report["run"]["routing"], "fabric");
    EXPECT_TRUE(ran.report["fixes"].empty()) << ran.report["fixes"];
    for (const auto& check : ran.report["checks"])
        EXPECT_TRUE(check["code"] != "route-present" || check["status"] == "skip") << check;
    EXPECT_FALSE(ran.named("error").empty()) << ran.all();
    EXPECT_EQ(program.run("verify").report["run"]["routing"], "host");
}

}  // namespace
}  // namespace podroute::lab
