// Where and as whom a host is logged in to, for ssh_config files as people write them. No network.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hosts/ssh_config.h"
#include "hosts/ssh_config_file.h"

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

class SshConfigFile : public SshConfig {
  protected:
    std::string error(const std::string& text) {
        const auto file = directory_ / "config";
        std::ofstream(file) << text;
        const auto good = check_ssh_config(file);
        if (good) return {};
        EXPECT_EQ(good.error().where.rfind(directory_.string(), 0), 0U);
        return good.error().where.substr(directory_.string().size() + 1) + ": " + good.error().text;
    }
};

TEST_F(SshConfigFile, WhatPeopleWriteIsGood) {
    EXPECT_EQ(error(""), "");
    EXPECT_EQ(
        error(
            "# comment \xc3\xa9\n\nHost node-*\n\tHostName=10.240.0.20\r\n  Port = 2200\n  Port \"22\"\n"
            "Match exec \"test -f x\"\n ProxyCommand ssh -W %h:%p jump\n IdentityFile \"~/a b\"\nport 65535"),
        "");
    EXPECT_TRUE(check_ssh_config((directory_ / "nowhere").string()));
    EXPECT_TRUE(check_ssh_config("/dev/null"));
}

TEST_F(SshConfigFile, APortThatIsNoneIsNamedWithItsLine) {
    EXPECT_EQ(error("Host node-0\n  Port 99999\n"),
              "config:2: 'Port 99999': a port is a number from 1 to 65535");
    for (const std::string port : {"0", "-1", "65536", "22x", "", "0x16", "99999999999999999999"})
        EXPECT_EQ(error("Host *\n\n port=" + port + "\n").rfind("config:3: ", 0), 0U) << port;
    std::ofstream(directory_ / "more") << "Port 70000\n";
    EXPECT_EQ(error("Include " + (directory_ / "mor?").string() + "\n"),
              "more:1: 'Port 70000': a port is a number from 1 to 65535");
    EXPECT_NE(error("Include " + (directory_ / "config").string() + "\n"), "") << "it ends";
}

TEST_F(SshConfigFile, WhatIsNoTextIsNoConfiguration) {
    using namespace std::string_literals;
    EXPECT_EQ(error("Host *\n\x7f"
                    "ELF\0\1\2"s),
              "config:2: this is no text, so no ssh_config(5)");
    EXPECT_EQ(error("{\"a\": 1}\n"), "config:1: '{\"a\": 1}' begins with no keyword of ssh_config(5)");
    EXPECT_NE(error("-----BEGIN OPENSSH PRIVATE KEY-----\n"), "");
    EXPECT_NE(error(std::string(100'000, 'a')), "");
    EXPECT_FALSE(check_ssh_config(directory_.string()));
    EXPECT_FALSE(check_ssh_config("/dev/zero"));
}

}  // namespace
}  // namespace podroute
