// Real sshds for the tests of hosts/, each on a loopback address of a network namespace that lives and dies
// with the test's process, and with file systems of its own.
//
//     test process ── unshare(net, mount) ── lo: 10.240.0.20, .21, ..   sshd sshd ..
//
// ctest runs every case in a process of its own, so that nothing is shared between cases.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hosts/observe.h"
#include "hosts/ssh_options.h"

namespace podroute {

struct SshdHost {
    std::string name;
    std::string address;
    pid_t pid = -1;              // of its sshd; 0: none runs
    std::filesystem::path root;  // its file systems, as seen from the test
};

class SshdTest : public testing::Test {
  protected:
    // Fails, never skips, where namespaces cannot be made.
    static void SetUpTestSuite();
    void SetUp() override;
    void TearDown() override;

    struct Spec {
        std::string sshd_config{};  // lines before the usual ones, so that they win
        std::string key_type = "ed25519";
        std::function<void()> prepare{};  // mounts and the like, in the host's mount namespace
        bool known = true;                // its key is written to known_hosts
    };
    // Starts a host "node-N" at the next address and waits until its sshd answers.
    SshdHost& start(const Spec& spec);
    SshdHost& start() { return start(Spec{}); }
    // A host of the inventory at an address where nothing listens.
    SshdHost& add_silent();

    // The access of all hosts so far: facts or why not.
    using Facts = std::map<HostId, Observed<HostFacts>>;
    Facts observe_all(const SshOptions& options, const std::stop_token& cancel = {});
    Facts observe_all() { return observe_all(options()); }
    // The files of the test, no agent of the machine's user, short timeouts.
    SshOptions options() const;
    // Calls `use` with all hosts open.
    void with_fleet(const SshOptions& options, const std::stop_token& cancel,
                    const std::function<void(Fleet&)>& use);

    std::string key_line(const SshdHost& host) const;  // "ssh-ed25519 AAAA.."
    void write(const std::string& file, const std::string& text) const;
    std::string read(const std::string& file) const;
    int shell(const std::string& command) const;
    // What is left of podroute on the host: files, and agents that run. Waits up to two seconds for nothing.
    std::vector<std::string> leftovers(const SshdHost& host) const;
    // Process ids of agents that run anywhere in this test's namespace.
    static std::vector<pid_t> agents();

    static bool in_own_namespace();
    static std::vector<pid_t> processes_here();  // all of this network namespace, the test among them

    static inline std::string left_namespace_;  // the machine's, or whatever the test was started in
    Inventory inventory_;
    std::filesystem::path directory_;
    std::map<std::string, SshdHost> hosts_;
};

}  // namespace podroute
