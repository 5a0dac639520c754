// The synthetic pods of one agent.
#pragma once

#include <memory>
#include <vector>

#include "agent/descriptor.h"
#include "agent/pod.h"

namespace podroute::agent {

// Threads: one only. Whatever ends the agent ends them: a clean end takes all away at once, a kill closes
// the descriptors of their namespaces, and the kernel takes away what was in them and their links.
class Pods {
  public:
    // Opens all of them or none, and returns when they carry packets. `host` outlives this object. Errors:
    // "pod-unavailable"; where = the address that another one may do instead of, if that is why.
    Result<OpenPodReply> open(Netlink& host, const OpenPod& request);
    ~Pods() { close(); }
    void close();
    // Descriptor of a pod's namespace, -1 for 0 (the agent's own). Errors: "no-such-pod".
    Result<int> namespace_of(std::uint32_t number) const;

  private:
    Result<OpenPodReply> try_open(Netlink& host, const OpenPod& request);
    Result<void> check_unique(const std::vector<PodSpec>& specs) const;

    std::vector<Descriptor> reserved_;  // their addresses
    std::vector<std::unique_ptr<Pod>> pods_;
    Netlink* host_ = nullptr;  // of the open pods
    std::uint32_t group_ = 0;  // of their links
};

}  // namespace podroute::agent
