// What the checks share: verdicts in their usual shapes, and what is asked of a host's dump again and again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

// Null where the host was not read.
const HostFacts* facts_of(const Snapshot& snapshot, const HostId& host);
// Why a round got nothing from the host, after its facts were read: its agent is gone ("agent-failed"), or
// would not send or listen ("probe-unavailable"). Null where neither is so.
const Unknown* lost_in_round(const Snapshot& snapshot, const HostId& host);

// The judge fills in check and layer.
Verdict verdict(const InventoryHost& host, std::string subject, Status status, std::string message);
Verdict failed(const InventoryHost& host, std::string subject, Cause cause);
Verdict warned(const InventoryHost& host, std::string subject, Cause cause);
// A skip, because the cause `by` stands in the way.
Verdict blocked(const InventoryHost& host, std::string subject, std::string by, std::string message);
// Unknown, because the host was not read: blocked by the code of its host-access check, or by that check.
Verdict not_read(const Snapshot& snapshot, const InventoryHost& host, std::string subject);
// Unknown, because a part of the facts was not read. `what` is that part ("the addresses").
Verdict part_not_read(const InventoryHost& host, std::string subject, const std::string& what,
                      const Unknown& unknown);

const InterfaceAddress* find_address(const HostFacts& facts, const Address& address);
bool carries(const HostFacts& facts, const Address& address);
// Facts were read, and no link carries the host's inventory address of this family.
bool lacks_address(const Snapshot& snapshot, const InventoryHost& host, Family family);

// How the cluster writes the network of its node addresses: the prefix length that a host uses, in bits.
unsigned node_prefix_length(const Snapshot& snapshot, Family family);

// Links by which this host's packets of one family reach the others, as roles() says; where nothing says so,
// the only wired link there is.
std::vector<std::uint32_t> uplinks(const Snapshot& snapshot, const InventoryHost& host,
                                   const HostFacts& facts, std::optional<Family> family = std::nullopt);
// Whether packets pass such a link: up, and with carrier unless it is a bridge that waits for its first pod.
bool works(const Link& link, bool is_uplink);

// Whether a string from a host may stand in a command that a person will paste into a shell.
bool plain_word(const std::string& text);

// "10.200.1.0/24 and 10.200.2.0/24"
std::string joined_text(const std::vector<std::string>& parts);

}  // namespace podroute
