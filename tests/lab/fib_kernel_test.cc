// The user-space FIB against the kernel's, over tables broken at random:
//
//     own network namespace:   eth0 10.240.0.20/24 ══ peer     eth1 10.241.0.20/24 ══ peer
//     random routes of all types and tables, random rules, both families; the same questions to both
//
// Nothing is sent: links, tables and lookups only. A disagreement is cut down to the fewest lines that show
// it.
#include "tests/lab/fib_kernel.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <set>
#include <stdexcept>

#include "engine/fib.h"
#include "engine/route_text.h"
#include "fixtures/lab/namespaces.h"

namespace podroute {
namespace {

using testing::ask_kernel;
using testing::dump_tables;
using testing::random_lines;
using testing::random_queries;
using testing::require_own_namespace;
using testing::run_batch;
using testing::wait_for_carrier_loss;

constexpr unsigned kRounds = 300;
constexpr unsigned kFirstSeed = 20240117;

void write_sysctl(const std::string& name, const char* value) {
    std::ofstream("/proc/sys/net/" + name) << value;
}

void enter_fresh_namespace() {
    if (unshare(CLONE_NEWNET) != 0)
        throw std::runtime_error("no network namespace of its own (root is needed)");
    require_own_namespace();
    for (const char* name : {"ipv6/conf/all/accept_dad", "ipv6/conf/default/accept_dad",
                             "ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"})
        write_sysctl(name, "0");
    write_sysctl("ipv4/ip_forward", "1");
    write_sysctl("ipv6/conf/all/forwarding", "1");
    run_batch({"link set lo up", "link add eth0 type veth peer name peer0", "link set peer0 up",
               "link set eth0 up", "link add eth1 type veth peer name peer1", "link set peer1 up",
               "link set eth1 up", "address add 10.240.0.20/24 dev eth0",
               "address add 10.241.0.20/24 dev eth1", "address add fd00:240::20/64 dev eth0 nodad",
               "address add fd00:241::20/64 dev eth1 nodad"});
    for (const char* family : {"ipv4", "ipv6"})
        write_sysctl(std::string(family) + "/conf/eth1/ignore_routes_with_linkdown", "1");
}

std::set<std::pair<std::uint32_t, std::optional<Address>>> keys(const std::vector<NextHop>& hops) {
    std::set<std::pair<std::uint32_t, std::optional<Address>>> set;
    for (const NextHop& hop : hops) set.emplace(hop.ifindex, hop.gateway);
    return set;
}

bool agree(const FibAnswer& kernel, const FibAnswer& ours) {
    if (kernel.error != 0 || ours.error != 0) return kernel.error == ours.error;
    return kernel.type == ours.type && kernel.matched == ours.matched &&
           same_table(kernel.table, ours.table) && keys(kernel.next_hops) == keys(ours.next_hops);
}

std::string text(const FibAnswer& answer, const HostFacts& facts) {
    return (answer.error != 0 ? "errno " + std::to_string(answer.error) + " " : "") +
           answer_text(answer, facts) + " [table " + std::to_string(answer.table) + "]";
}

std::string text(const FibQuery& query) {
    std::string line = query.destination.to_string();
    if (query.source) line += " from " + query.source->to_string();
    if (!query.iif.empty()) line += " iif " + query.iif;
    return line + " mark " + std::to_string(query.mark) + " proto " + std::to_string(query.ip_proto) +
           " dport " + std::to_string(query.destination_port);
}

// In a fresh namespace: the first query about which kernel and Fib differ, with both answers; empty if none.
std::string first_disagreement(const std::vector<std::string>& lines, const std::vector<FibQuery>& queries,
                               FibQuery* which, std::size_t* compared) {
    enter_fresh_namespace();
    run_batch(lines);
    if (std::find(lines.begin(), lines.end(), "link set peer1 down") != lines.end())
        wait_for_carrier_loss("eth1");
    const HostFacts facts = dump_tables();
    const Fib fib(facts);
    for (const FibQuery& query : queries) {
        const FibAnswer kernel = ask_kernel(query);
        const FibAnswer ours = fib.lookup(query).answer;
        ++*compared;
        if (agree(kernel, ours)) continue;
        *which = query;
        return "  asked   " + text(query) + "\n  kernel  " + text(kernel, facts) + "\n  Fib     " +
               text(ours, facts) + "\n";
    }
    return "";
}

std::string shrink(std::vector<std::string> lines, const FibQuery& query) {
    FibQuery which;
    std::size_t compared = 0;
    for (std::size_t at = lines.size(); at-- > 0;) {
        std::vector<std::string> fewer = lines;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at));
        if (!first_disagreement(fewer, {query}, &which, &compared).empty()) lines = fewer;
    }
    std::string result = first_disagreement(lines, {query}, &which, &compared);
    for (const std::string& line : lines) result += "  ip " + line + "\n";
    return result;
}

// What the child says: empty, or the disagreement; `compared` counts the questions.
std::string run_rounds(std::size_t* compared) {
    for (unsigned round = 0; round < kRounds; ++round) {
        std::mt19937 random(kFirstSeed + round);
        const auto lines = random_lines(random);
        const auto queries = random_queries(random);
        FibQuery query;
        if (first_disagreement(lines, queries, &query, compared).empty()) continue;
        return "seed " + std::to_string(kFirstSeed + round) + "\n" + shrink(lines, query);
    }
    return "";
}

[[noreturn]] void child(int out) {
    std::string said;
    std::size_t compared = 0;
    try {
        said = run_rounds(&compared);
    } catch (const std::exception& error) {
        said = error.what();
    }
    said = std::to_string(compared) + "\n" + said;
    const auto written = write(out, said.data(), said.size());
    _exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
}

TEST(FibKernel, AgreesOverTablesBrokenAtRandom) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) child(ends[1]);
    close(ends[1]);
    std::string said;
    std::array<char, 4096> block{};
    for (ssize_t size = 0; (size = read(ends[0], block.data(), block.size())) > 0;)
        said.append(block.data(), static_cast<std::size_t>(size));
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const auto line = said.find('\n');
    ASSERT_NE(line, std::string::npos);
    std::cout << kRounds << " rounds from seed " << kFirstSeed << ", " << said.substr(0, line)
              << " questions\n";
    EXPECT_EQ(said.substr(line + 1), "");
}

}  // namespace

void testing::require_own_namespace() {
    if (!lab::outside_machine_network())
        throw std::runtime_error("refused: this is, or may be, the machine's own network namespace");
}

}  // namespace podroute
