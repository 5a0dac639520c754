// The relay itself: it passes everything, counts it, and acts at the byte.
#include <fmt/format.h>

#include <sstream>

#include "tests/e2e/kill_lab.h"

namespace podroute::lab {
namespace {

class LabRelay : public KillLab {
  protected:
    void SetUp() override { ASSERT_TRUE(lab_); }
    static std::string relay(const std::string& words) {
        return fmt::format("{} relay {}", PODROUTE_LAB, words);
    }
};

TEST_F(LabRelay, PassesAllAndCountsTurns) {
    const auto done = jumpbox("ssh -o ProxyCommand='" + relay("--count /root/c %h %p") +
                              "' node-0 'wc -c; head -c 300000 /dev/zero' <.ssh/known_hosts | wc -c; " +
                              counted("c") + "cat c");
    std::istringstream in(done.output);
    std::uint64_t passed = 0, at = 0, last = 0;
    ASSERT_TRUE(in >> passed) << done.errors;
    EXPECT_GT(passed, 300'000U);
    std::string word, before;
    for (; in >> at >> word; last = at, before = word) {
        EXPECT_GE(at, last);
        EXPECT_NE(word, before) << "a turn is all that goes one way";
    }
    EXPECT_EQ(word, "end");
    EXPECT_GT(last, passed) << "what SSH adds is counted as well";
}

TEST_F(LabRelay, ActsAtTheByte) {
    // sshd says who it is; that is more than 20 bytes.
    const auto all =
        jumpbox("mkfifo in; " + relay("--kill link --after 20 --count /root/c 10.240.0.20 22 <>in"));
    EXPECT_EQ(all.exit_code, 0) << all.errors;
    EXPECT_EQ(all.output.size(), 20U) << all.output;
    EXPECT_EQ(jumpbox("cat c").output, "0 down\n20 kill\n20 end\n");
    // Bytes are counted from when five have gone to it; what came before is passed as it comes.
    const auto later =
        jumpbox(relay("--kill link --sent 5 --after 3 --count /root/c 10.240.0.20 22 <>in >out &") +
                " while [ ! -s out ]; do sleep 0.05; done; printf 'hello, host\\n' >in; wait; cat out");
    EXPECT_EQ(later.output.substr(0, 8), "SSH-2.0-");
    const auto size = later.output.size();
    EXPECT_EQ(jumpbox("cat c").output, fmt::format("0 down\n{0} up\n{1} kill\n{1} end\n", size, size + 8));
}

TEST_F(LabRelay, RefusesOutsideOfALabAndWithoutAController) {
    const auto outside = run_command({PODROUTE_LAB, "relay", "--kill", "link", "127.0.0.1", "1"});
    EXPECT_EQ(outside.exit_code, 1);
    EXPECT_NE(outside.errors.find("in a host of a lab only"), std::string::npos) << outside.errors;
    const auto alone =
        jumpbox("mkfifo alone; " + relay("--kill controller --after 1 10.240.0.20 22 <>alone"));
    EXPECT_EQ(alone.exit_code, 1);
    EXPECT_NE(alone.errors.find("no podroute has started this"), std::string::npos) << alone.errors;
    EXPECT_EQ(jumpbox(relay("10.240.0.99 22") + " </dev/null").exit_code, 1) << "nobody is there";
}

}  // namespace
}  // namespace podroute::lab
