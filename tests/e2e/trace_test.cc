// The ways that packets take: podroute trace, --trace all, and the capture file.
#include <unistd.h>

#include <set>
#include <sstream>
#include <thread>

#include "tests/e2e/program.h"

namespace podroute::lab {
namespace {

using nlohmann::json;

struct Variant {
    bool bridge, ipv6;
};

class Ways : public testing::TestWithParam<Variant> {
  protected:
    Ways() : program_(options()) {}
    void SetUp() override { ASSERT_TRUE(program_.up()); }

    static LabOptions options() {
        LabOptions options;
        options.name = fmt::format("e2e-ways-{}", getpid());
        options.cni = GetParam().bridge;
        options.ipv6 = GetParam().ipv6;
        return options;
    }
    static std::size_t count(const std::string& text, const std::string& part) {
        std::size_t n = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
        return n;
    }
    // Drops what pods of others send to pods of this host.
    void drop_forwarded(const std::string& host) const {
        ASSERT_EQ(
            program_
                .in(host,
                    "nft 'add table inet gate; add chain inet gate f { type filter hook forward priority "
                    "0; policy drop; }'")
                .exit_code,
            0);
    }

    Program program_;
};

// Of a drawing, what stands behind "out" and "in" in each row.
std::vector<std::string> counts_of_rows(const std::string& drawing) {
    std::vector<std::string> counts;
    std::istringstream words(drawing);
    for (std::string word, before; words >> word; before = word)
        if ((before == "out" || before == "in") && word.find_first_not_of("0123456789") == std::string::npos)
            counts.push_back(word);
    return counts;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& word) {
    std::vector<std::string> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.find(word) != std::string::npos) found.push_back(line);
    return found;
}

TEST_P(Ways, OfEveryKindOfPairAreDrawnBothWays) {
    std::vector<std::string> pairs{"node-0 node-1",      "node-0 node-0",         "10.200.0.9 10.200.0.77",
                                   "node-0 server",      "server node-1",         "node-0 10.240.0.21",
                                   "10.240.0.20 node-1", "10.200.1.7 10.240.0.10"};
    if (GetParam().ipv6) pairs.insert(pairs.end(), {"fd00:10:200:0::9 node-1", "node-1 fd00:10:240::a"});
    for (const std::string& pair : pairs) {
        const Ran ran = program_.run("trace " + pair);
        EXPECT_EQ(ran.exit_code, 0) << pair << "\n" << ran.all();
        EXPECT_EQ(count(ran.output, "→ arrives") + count(ran.output, "-> arrives"), 2U) << pair << ran.all();
    }
}

TEST_P(Ways, OfAnAddressAreThatAddresssOrSayWhichOneStandsForIt) {
    const Ran free = program_.run("trace node-0 10.200.1.7");
    EXPECT_EQ(free.exit_code, 0) << free.all();
    EXPECT_NE(free.output.find("→ 10.200.1.7\n"), std::string::npos) << free.all();
    EXPECT_EQ(free.output.find("stands for"), std::string::npos) << free.all();
    const std::string directory = "/var/lib/cni/networks/bridge";
    ASSERT_EQ(
        program_.in("node-1", "mkdir -p " + directory + " && touch " + directory + "/10.200.1.7").exit_code,
        0);
    const Ran taken = program_.run("trace node-0 10.200.1.7");
    program_.in("node-1", "rm -r " + directory);
    EXPECT_EQ(taken.exit_code, 0) << taken.all();
    EXPECT_NE(taken.output.find(" stands for 10.200.1.7: a pod has it:"), std::string::npos) << taken.all();
}

// No count falls on a way that loses nothing.
TEST_P(Ways, ShowHowManyPacketsPassedEachInterface) {
    for (const char* protocol : {"icmp", "tcp", "udp"}) {
        const Ran ran = program_.run(fmt::format("trace node-0 node-1 --count 7 --protocol {}", protocol));
        EXPECT_EQ(ran.exit_code, 0) << ran.all();
        const auto counts = counts_of_rows(ran.output);
        EXPECT_EQ(counts, std::vector<std::string>(GetParam().bridge ? 12 : 8, "7")) << ran.output;
    }
}

TEST_P(Ways, EndWhereThePacketsDo) {
    drop_forwarded("node-1");
    const Ran ran = program_.run("trace node-0 node-1");
    EXPECT_EQ(ran.exit_code, 1) << ran.all();
    EXPECT_EQ(ran.named("error"), std::vector<std::string>{"firewall-drop@node-1"}) << ran.all();
    EXPECT_NE(ran.output.find("stops here: inside node-1, last seen at eth0"), std::string::npos)
        << ran.all();
    // Of the pod behind the rule itself nothing is lost within the host's bridge; without one it is
    // forwarded.
    EXPECT_EQ(program_.run("trace node-1 node-1").exit_code, GetParam().bridge ? 0 : 1);
}

TEST_P(Ways, OfAllPairsAreInTheReport) {
    const Ran ran = program_.run("verify --trace all --protocol icmp,tcp,udp");
    EXPECT_EQ(ran.exit_code, 0) << ran.all();
    ASSERT_TRUE(ran.report.is_object());
    std::set<std::string> pairs, protocols;
    for (const json& probe : ran.report["probes"]) {
        const auto end = [](const json& e) {
            return e["vantage"].get<std::string>() + " " + e["host"].get<std::string>();
        };
        pairs.insert(end(probe["source"]) + " → " + end(probe["destination"]));
        protocols.insert(probe["protocol"].get<std::string>());
    }
    EXPECT_EQ(protocols, (std::set<std::string>{"icmp", "tcp", "udp"}));
    std::map<std::string, std::set<std::string>> legs;
    for (const json& path : ran.report["paths"]) {
        legs[path["source"].get<std::string>() + " → " + path["destination"].get<std::string>()].insert(
            path["leg"].get<std::string>());
        EXPECT_EQ(path["status"], "pass") << path;
        EXPECT_EQ(path["hops"], path["expected"]) << path;
    }
    EXPECT_EQ(pairs.size(), 8U);  // 2 across, 2 within, 4 with the server
    EXPECT_EQ(ran.report["paths"].size(), GetParam().ipv6 ? 32U : 16U);
    for (const std::string& pair : pairs)
        EXPECT_EQ(legs[pair], (std::set<std::string>{"request", "reply"})) << pair;
}

TEST_P(Ways, AreKeptInACaptureFileThatTcpdumpReads) {
    drop_forwarded("node-1");
    ASSERT_EQ(program_.in("node-0", "ip neigh flush dev eth0").exit_code, 0);
    const Ran ran = program_.run("verify --pcap /root/run.pcapng");
    EXPECT_EQ(ran.exit_code, 1) << ran.all();
    const auto text = program_.in("jumpbox", "tcpdump -Z root -nn -tt -v -r /root/run.pcapng");
    EXPECT_EQ(text.exit_code, 0) << text.errors;
    // Checksums are another matter: a kernel leaves them to the card. One may well end in "bad".
    for (const char* word : {"truncated", " bad ", "(bad ", "[bad "})
        EXPECT_EQ(lines_with(text.output, word), std::vector<std::string>{});
    EXPECT_NE(text.output.find("ICMP echo request"), std::string::npos);
    // Blocks by the file's own lengths: type 1 describes an interface, 6 holds a packet.
    const auto read = program_.in("jumpbox", R"(/usr/bin/python3 - <<'END'
import json, struct
data = open("/root/run.pcapng", "rb").read()
at, names, packets, last, ordered = 0, [], 0, 0, True
while at < len(data):
    kind, length = struct.unpack_from("<II", data, at)
    if kind == 1:
        size = struct.unpack_from("<H", data, at + 18)[0]
        names.append(data[at + 20 : at + 20 + size].decode())
    if kind == 6:
        high, low, kept, wire = struct.unpack_from("<IIII", data, at + 12)
        packets, ordered, last = packets + 1, ordered and (high << 32 | low) >= last, high << 32 | low
        assert kept <= wire and kept == min(wire, 128)
    assert struct.unpack_from("<I", data, at + length - 4)[0] == length
    at += length
print(json.dumps({"names": names, "packets": packets, "ordered": ordered}))
END)");
    ASSERT_EQ(read.exit_code, 0) << read.errors;
    const json file = json::parse(read.output);
    EXPECT_TRUE(file["ordered"]);
    const auto counted = program_.in("jumpbox", "tcpdump -Z root -nn -r /root/run.pcapng | wc -l");
    EXPECT_EQ(file["packets"], std::stoul(counted.output));
    EXPECT_GT(file["packets"], 50U);
    std::set<std::string> on_hosts;
    for (const char* host : {"server", "node-0", "node-1"})
        for (const char* link : {"eth0", "cnio0", "pod link", "pod link 2"})
            on_hosts.insert(fmt::format("{}/{}", host, link));
    const std::set<std::string> names = file["names"];
    EXPECT_EQ(names.size(), file["names"].size());
    for (const std::string& name : names) EXPECT_TRUE(on_hosts.contains(name)) << name;
    for (const char* name : {"node-0/pod link", "node-0/eth0", "node-1/eth0", "server/eth0"})
        EXPECT_TRUE(names.contains(name)) << name;
}

TEST_P(Ways, WithoutRoomForTheirFileAreJudgedAllTheSame) {
    const Ran full = program_.run("verify --pcap /dev/full");
    EXPECT_EQ(full.exit_code, 70) << full.all();
    EXPECT_EQ(full.errors, "podroute: /dev/full: not written whole\n");
    EXPECT_EQ(full.report["run"]["verdict"], "unknown");
    EXPECT_EQ(full.report["run"]["exit_code"], 70);
    EXPECT_EQ(full.report["run"]["error"]["code"], "capture-not-written");
    EXPECT_EQ(full.report["summary"]["causes"], 0);
    EXPECT_NE(full.output.find("error[capture-not-written]: not written whole"), std::string::npos)
        << full.all();
    EXPECT_EQ(full.output.find("PASSED"), std::string::npos) << full.all();
    EXPECT_EQ(program_.run("verify --pcap /no/such/folder/file").exit_code, 2);
}

// What was seen until then is judged, and every report says that there was more to see.
TEST_P(Ways, OfAnInterruptedRunAreReportedAsFarAsTheyWereSeen) {
    drop_forwarded("node-1");
    Ran ran;
    std::thread running([&] { ran = program_.run("verify --timeout 30"); });
    const auto waits =
        program_.in("node-0",
                    "for i in $(seq 400); do ip -o link | grep -qE ': veth[a-z]{8}@' && break; "
                    "sleep 0.1; done; sleep 2");
    EXPECT_EQ(waits.exit_code, 0);
    EXPECT_EQ(program_.in("jumpbox", "kill -INT $(cat /root/pid)").exit_code, 0);
    running.join();
    EXPECT_EQ(ran.exit_code, 3) << ran.all();
    ASSERT_TRUE(ran.report.is_object());
    EXPECT_EQ(ran.report["run"]["verdict"], "unknown");
    EXPECT_LT(ran.report["run"]["duration_ms"], 25'000);
    EXPECT_NE(ran.output.find("stopped"), std::string::npos) << ran.all();
    const auto junit =
        program_.in("jumpbox", "xmllint --noout /root/report.xml && grep -c cancelled /root/report.xml");
    EXPECT_EQ(junit.exit_code, 0) << junit.output << junit.errors;
}

INSTANTIATE_TEST_SUITE_P(Labs, Ways, testing::Values(Variant{true, false}, Variant{false, true}),
                         [](const auto& p) {
                             return std::string(p.param.bridge ? "Bridge" : "NoBridge") +
                                    (p.param.ipv6 ? "DualStack" : "IPv4");
                         });

}  // namespace
}  // namespace podroute::lab
