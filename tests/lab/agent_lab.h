// A network namespace of a test's own, with an agent in it.
//
//   this process, namespace of the test            a second process and namespace
//     node (10.240.0.20/24) ───────── veth ───────── peer (10.240.0.21/24)
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fixtures/fakes/local_agent_link.h"

namespace podroute {

using nlohmann::json;

inline Deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}
inline Deadline soon() {
    return in(std::chrono::seconds(20));
}

// True only if this process is provably not in the machine's root network namespace.
bool in_own_namespace();

// Runs a shell command in this namespace; its output. Fails the test if it fails, and does nothing in the
// root namespace.
std::string run(const std::string& command);
json run_json(const std::string& command);

// Another process in a network namespace of its own, which ends with this object.
class Elsewhere {
  public:
    Elsewhere();
    ~Elsewhere();
    Elsewhere(const Elsewhere&) = delete;
    Elsewhere& operator=(const Elsewhere&) = delete;
    pid_t pid() const { return pid_; }
    std::string run(const std::string& command) const;

  private:
    pid_t pid_ = -1;
};

class AgentLab : public testing::Test {
  protected:
    // A new namespace for every test; the one before ends with its last process.
    void SetUp() override;

    std::unique_ptr<LocalAgentLink> start(const LocalAgentLink::Options& options = {});
    // Starts an agent as root, says hello, asks once.
    HostFacts gather(const Gather& request);
    template <class T>
    T ask(LocalAgentLink& link, const Request& request) {
        auto reply = link.call(request, soon());
        if (!reply) {
            ADD_FAILURE() << reply.error().text;
            return {};
        }
        if (const auto* refused = std::get_if<Refused>(&*reply);
            refused != nullptr && !std::is_same_v<T, Refused>)
            ADD_FAILURE() << "refused: " << refused->error.text;
        if (auto* wanted = std::get_if<T>(&*reply)) return std::move(*wanted);
        ADD_FAILURE() << "a reply of another type, " << reply->index();
        return {};
    }
    // node and peer as drawn above; the veth ends are named so.
    void connect_peer(const Elsewhere& peer);
};

Address ip(const std::string& text);
Prefix net(const std::string& text);
// The tutorial's cluster as node-0 sees it.
Gather tutorial();

// Exit code, or minus the signal.
int ending(int status);

}  // namespace podroute
