// Where and as whom a host is logged in to, for ssh_config files as people write them. No network.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hosts/ssh_config.h"

namespace podroute {
namespace {

const InventoryHost kHost{"node-0", "node-0.kubernetes.local", {*Address::parse("10.240.0.20")}, {}, {1}};

class SshConfig : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/podroute-test.XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    ResolvedLogin resolve(const std::string& text, SshOptions options = {}) {
        options.config = directory_ / "config";
        std::ofstream(options.config) << text;
        return configure(kHost, options).login;
    }
    std::filesystem::path directory_;
};

TEST_F(SshConfig, WithoutAWordTheInventoryAddressAndRoot) {
    const auto login = resolve("");
    EXPECT_EQ(login.target.transport, "10.240.0.20");
    EXPECT_EQ(login.target.user, "root");
    EXPECT_EQ(login.target.port, 22U);
    EXPECT_EQ(login.proxy_command, "");
}

TEST_F(SshConfig, HostNameOfTheNameThenOfTheFqdnThenOfTheAddress) {
    EXPECT_EQ(resolve("Host node-0\n HostName 192.0.2.1\n User bob\n Port 2200\n").target.transport,
              "192.0.2.1");
    EXPECT_EQ(resolve("Host *.kubernetes.local\n HostName 192.0.2.2\n").target.transport, "192.0.2.2");
    EXPECT_EQ(resolve("Host 10.240.*\n HostName 192.0.2.3\n").target.transport, "192.0.2.3");
    const auto both =
        resolve("Host node-0.kubernetes.local\n HostName 192.0.2.2\nHost node-0\n HostName 192.0.2.1\n");
    EXPECT_EQ(both.target.transport, "192.0.2.1") << "the name goes first";
}

TEST_F(SshConfig, OptionsOfABlockWithoutHostNameCount) {
    const auto login = resolve("Host 10.240.*\n User ops\n Port 2200\nHost *\n User other\n");
    EXPECT_EQ(login.target.transport, "10.240.0.20");
    EXPECT_EQ(login.target.port, 2200U);
    EXPECT_EQ(login.target.user, "other") << "`Host *` fits the name, which is asked for first";
}

TEST_F(SshConfig, TheCommandLineWins) {
    SshOptions options;
    options.user = "alice";
    options.port = 22022;
    const auto login = resolve("Host node-0\n HostName 192.0.2.1\n User bob\n Port 2200\n", options);
    EXPECT_EQ(login.target.user, "alice");
    EXPECT_EQ(login.target.port, 22022U);
}

TEST_F(SshConfig, AJumpReadsTheSameFile) {
    const auto login = resolve("Host node-0\n ProxyJump ops@bastion\n");
    EXPECT_TRUE(login.target.proxied);
    EXPECT_EQ(login.proxy_command.rfind("ssh -F " + (directory_ / "config").string() + " ", 0), 0U)
        << login.proxy_command;
    EXPECT_NE(login.proxy_command.find("-l ops"), std::string::npos);
    EXPECT_FALSE(resolve("Host node-0\n ProxyCommand none\n").target.proxied);
    EXPECT_EQ(resolve("Host node-0\n ProxyCommand nc %h %p\n").proxy_command, "nc %h %p");
}

}  // namespace
}  // namespace podroute
