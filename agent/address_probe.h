// Does anybody on the wire answer for an address that a synthetic pod is to have?
#pragma once

#include <linux/filter.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/descriptor.h"
#include "agent/interfaces.h"
#include "agent/waiting.h"

namespace podroute::agent {

// Addresses that were asked for on a bridge: by ARP probes (RFC 5227) and neighbour solicitations as of
// duplicate address detection (RFC 4862), which leave no entry in any neighbour table.
class AddressProbe {
  public:
    // Errors: "pod-unavailable"; where = the address that could not be asked for.
    static Result<AddressProbe> ask(std::vector<Address> addresses, const Interface& bridge);
    // Nobody answers for any of them; known 20 ms after they were asked for. Errors: "pod-unavailable",
    // where = the first that was answered for; without one where answers could not be heard.
    Result<void> not_answered();

  private:
    Result<std::optional<Address>> next_answer();

    PacketSocket socket_;  // not open: nobody is there to answer
    std::vector<Address> addresses_;
    std::string bridge_;
    Clock::time_point until_;
};

// Lets through what may be such an answer: frames with ARP, and neighbour advertisements.
std::span<const sock_filter> answers_filter();

}  // namespace podroute::agent
