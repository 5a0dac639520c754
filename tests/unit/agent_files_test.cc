// CNI and kubelet configuration: whatever a host's files hold.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/files.h"
#include "agent/firmware.h"

namespace podroute::agent {
namespace {

class AgentFiles : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "podroute-files-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    void write(const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; }
    Observed<CniConfig> read() { return read_cni(folder, folder / "kubelet.yaml"); }
    std::filesystem::path folder;
};

TEST_F(AgentFiles, TheTutorialsBridgeAndItsPlaceholder) {
    write("10-bridge.conf",
          R"({"cniVersion":"1.0.0","name":"bridge","type":"bridge","bridge":"cni0","ipMasq":true,
        "ipam":{"type":"host-local","ranges":[[{"subnet":"SUBNET"}],[{"subnet":"fd00::/64"}]]}})");
    write("99-loopback.conf", R"({"cniVersion":"1.1.0","name":"lo","type":"loopback"})");
    write("README", "not a configuration");
    const auto config = read();
    ASSERT_TRUE(config.known());
    ASSERT_EQ(config->networks.size(), 2U);
    EXPECT_EQ(config->networks[0],
              (CniNetwork{"10-bridge.conf", "bridge", "bridge", "cni0", {"SUBNET", "fd00::/64"}, true}));
    EXPECT_EQ(config->networks[1].type, "loopback");
    EXPECT_TRUE(config->unreadable.empty());
}

TEST_F(AgentFiles, EveryPluginOfAListAndThePlainSubnet) {
    write("a.conflist", R"({"name":"net","plugins":[{"type":"bridge","ipam":{"subnet":"10.200.1.0/24"}},
        {"type":"portmap"},7]})");
    const auto config = read();
    ASSERT_EQ(config->networks.size(), 2U);
    EXPECT_EQ(config->networks[0].subnets, std::vector<std::string>{"10.200.1.0/24"});
    EXPECT_EQ(config->networks[1].name, "net");
}

TEST_F(AgentFiles, WhatCannotBeUnderstoodIsNamedAndTheRestIsRead) {
    write("1.conf", "{");
    write("2.conf", std::string(200'000, '['));
    write("3.conf", "[]");
    write("4.conf", std::string(300'000, ' ') + "{}");
    write("5.conf", R"({"name":"good","type":"ptp","ipam":7,"bridge":[],"ipMasq":"yes"})");
    std::filesystem::create_directory(folder / "6.conf");
    std::filesystem::create_symlink("/nowhere", folder / "7.conf");
    ASSERT_EQ(mkfifo((folder / "8.conf").c_str(), 0600), 0);
    std::filesystem::create_symlink("/dev/zero", folder / "9.conf");
    const auto config = read();
    ASSERT_TRUE(config.known());
    ASSERT_EQ(config->networks.size(), 1U);
    EXPECT_EQ(config->networks[0].name, "good");
    EXPECT_EQ(config->unreadable.size(), 8U);
    for (const auto& line : config->unreadable) EXPECT_LT(line.size(), 300U) << line;
}

TEST_F(AgentFiles, NamesAreBounded) {
    write("a.conf", R"({"type":"bridge","name":")" + std::string(5000, 'x') + "\"}");
    EXPECT_EQ(read()->networks.at(0).name.size(), 256U);
}

TEST_F(AgentFiles, KubeletPodCidr) {
    for (const auto* line : {"podCIDR: \"10.200.1.0/24\"", "podCIDR: 10.200.1.0/24  # of node-1",
                             "podCIDR: '10.200.1.0/24'\r"}) {
        write("kubelet.yaml", std::string("kind: KubeletConfiguration\n") + line + "\nport: 10250\n");
        EXPECT_EQ(read()->kubelet_pod_cidr, "10.200.1.0/24") << line;
    }
    write("kubelet.yaml", "podCIDR: \"SUBNET\"\n");
    EXPECT_EQ(read()->kubelet_pod_cidr, "SUBNET");
    write("kubelet.yaml", "a:\n  podCIDR: 1\n#podCIDR: 2\n");
    EXPECT_EQ(read()->kubelet_pod_cidr, "");
    std::filesystem::remove(folder / "kubelet.yaml");
    std::filesystem::create_directory(folder / "kubelet.yaml");
    EXPECT_EQ(read()->unreadable.size(), 1U);
}

TEST_F(AgentFiles, NoFolderIsNoConfigurationButAnUnreadableOneIsUnknown) {
    const auto none = read_cni(folder / "none", folder / "none.yaml");
    ASSERT_TRUE(none.known());
    EXPECT_EQ(*none, CniConfig{});
    write("plain", "");
    std::filesystem::create_directory_symlink("loop", folder / "loop");
    EXPECT_FALSE(read_cni(folder / "loop", folder / "none.yaml").known());
}

TEST_F(AgentFiles, NameserversOfTheHostAndThoseBehindItsStub) {
    write("resolv.conf", "search k.local\nnameserver 127.0.0.53\nnameserver\toptions\n");
    write("stub.conf",
          "# a comment\nnameserver 10.240.0.2\nnameserver fe80::1%eth0\nnameserver 10.240.0.2\n");
    const std::string first = folder / "resolv.conf", second = folder / "stub.conf";
    EXPECT_FALSE(read_nameservers({first}).known()) << "'options' is no address";
    write("resolv.conf", "search k.local\nnameserver 127.0.0.53\noptions edns0\nnameserver\n");
    const auto found = read_nameservers({first, second, folder / "absent"});
    ASSERT_TRUE(found.known()) << found.unknown().why;
    std::vector<Address> wanted;
    for (const char* text : {"127.0.0.53", "10.240.0.2", "fe80::1"})
        wanted.push_back(Address::parse(text).value());
    EXPECT_EQ(*found, wanted);
    EXPECT_FALSE(read_nameservers({folder}).known()) << "a directory cannot be read";
    EXPECT_TRUE(read_nameservers({folder / "absent"})->empty());
}

TEST_F(AgentFiles, FirmwareIsTheFirstLineOfEachFileWithoutWhatIsNoText) {
    write("sys_vendor", "Amazon EC2\nmore\n");
    write("product_name", std::string("m7i\x1b[31m.large\x80\n"));
    const auto firmware = read_firmware(folder);
    EXPECT_EQ(firmware, (Firmware{"Amazon EC2", "m7i[31m.large", ""}));
    EXPECT_EQ(read_firmware(folder / "absent"), Firmware{});
}

TEST_F(AgentFiles, FirmwareIsBounded) {
    write("sys_vendor", std::string(1 << 20, 'x'));
    EXPECT_LE(read_firmware(folder).vendor.size(), 64U);
}

}  // namespace
}  // namespace podroute::agent
