// What controller and agent say to each other: one request, one reply.
//
// On the wire a message is u32 big-endian length of all that follows, u8 type, u32 big-endian length of the
// JSON head, the head, and raw bytes (frames). Anything over kMaxMessageBytes, an unknown type, or a head
// that does not fit is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/facts.h"
#include "model/fix.h"
#include "model/frame.h"
#include "model/probe.h"
#include "model/result.h"

namespace podroute {

inline constexpr std::uint32_t kWireVersion = 2;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{32} << 20;

// Requests.
struct Hello {
    std::uint32_t version = kWireVersion;
    std::string nonce;                    // echoed, so that the reply is not some shell's output
    std::uint32_t deadline_ms = 60'000;   // the agent ends by itself after this long
    std::uint32_t heartbeat_ms = 15'000;  // ... or when nothing came from the controller for this long
};
// Read everything. `pod_cidrs` are all of the inventory, `own` those of this host, `nodes` all node
// addresses. The FIB answers that come back, for P each pod CIDR that is not own, N each node address that is
// not the host's, O the own CIDR of the same family (Prefix::sample_pod() is its .2):
//   output      P.first_usable(), P.last_usable(), N, O.sample_pod()
//   forwarded   P.first_usable() from O.sample_pod() iif the link with an address inside O, "lo" if there is
//   none inbound     O.sample_pod() (without O: the own node address) from P.sample_pod() iif the link by
//   which P's owner is reached, taken to
//               be the link of the output answer for the first N
struct Gather {
    std::vector<Prefix> pod_cidrs;
    std::vector<Prefix> own;
    std::vector<Address> nodes;
};
struct Lookup {
    std::vector<FibQuery> queries;
};
// Ask the kernel to resolve neighbours (RTM_NEWNEIGH with NTF_USE, no payload is sent) and wait until each is
// resolved or failed, at most wait_ms.
struct SolicitTarget {
    Address address;
    std::uint32_t ifindex = 0;
    bool operator==(const SolicitTarget&) const = default;
};
struct Solicit {
    std::vector<SolicitTarget> targets;
    std::uint32_t wait_ms = 3000;
};
// A synthetic pod: a network namespace that lives as long as the agent, joined to the host by a veth pair.
struct PodSpec {
    std::uint32_t number = 1;        // what frames, captures and listeners call it; not 0
    std::vector<Address> addresses;  // at most one of each family
    std::string link;                // name of the host's end ("veth" and random letters)
    std::string bridge;  // the pod bridge to join; empty: /32 (/128) routes and a link-local gateway
    std::vector<Prefix> networks;   // with a bridge: the pod CIDR of each address, in their order
    std::vector<Address> gateways;  // with a bridge: its address for each, in their order
    std::uint32_t mtu = 0;          // bytes; 0: as the bridge, or without one as the uplink named by `uplink`
    std::string uplink;
    bool operator==(const PodSpec&) const = default;
};
// Opens all of them or none; what was opened before is closed first. Refused: "pod-unavailable" and why.
struct OpenPod {
    std::vector<PodSpec> pods;
};
struct OpenedPod {
    std::uint32_t number = 0;
    std::uint32_t ifindex = 0;      // of the host's end, in the host's namespace
    std::uint32_t pod_ifindex = 0;  // of the pod's end, in the pod's namespace
    std::string mac, gateway_mac;   // of the pod's end; of what it sends its packets to
    std::uint32_t mtu = 0;          // bytes
    std::string bridge{};           // the bridge it joined; empty: it is reached by a route of its own
    std::string kept_off{};         // why it did not join the bridge that was asked for
    bool operator==(const OpenedPod&) const = default;
};
// A socket that answers: TCP completes handshakes, UDP echoes. ICMP needs none.
struct Listener {
    std::uint32_t pod = 0;  // 0: the host's own namespace
    Protocol protocol = Protocol::tcp;
    Address address;
    std::uint16_t port = 0;
    bool operator==(const Listener&) const = default;
};
struct Arm {
    std::vector<Capture> captures;
    std::vector<Listener> listeners{};
};
struct Fire {
    std::vector<Frame> frames;
};
struct Collect {
    std::uint32_t wait_ms = 0;  // returns when frames arrived or this passed
};
// Become this host's one fixer, journal the changes, start the watchdog, then apply in order each change
// whose object is as its `before` says. Reverted unless Keep comes over the same connection within
// keep_within_ms.
struct Apply {
    std::string run;      // id of the run
    std::string started;  // RFC 3339, told to a second fixer
    std::vector<Change> changes;
    std::uint32_t keep_within_ms = 30'000;
};
struct Keep {};
// Take back, last first, what Apply did.
struct Revert {};
// Take back what the journal of a run that is dead says.
struct Recover {};
// Keeps the agent alive; nothing else.
struct Ping {};
struct Bye {};
using Request = std::variant<Hello, Gather, Lookup, Solicit, Arm, Fire, Collect, Ping, Bye, OpenPod, Apply,
                             Keep, Revert, Recover>;

// Replies, in the order of the requests; any request may be answered by Refused.
struct HelloReply {
    std::uint32_t version = kWireVersion;
    std::string nonce;
    std::string agent_version;
    std::uint32_t uid = 0;
};
struct LookupReply {
    std::vector<FibAnswer> answers;
};
struct SolicitReply {
    std::vector<Neighbour> neighbours;  // the entry of each target afterwards; state 0 where there is none
};
struct ArmReply {};
struct Unsent {
    std::uint32_t index = 0;  // in Fire.frames
    int error = 0;  // errno: EMSGSIZE over the link's MTU, EPERM by a filter, ENETUNREACH no route ..
    bool operator==(const Unsent&) const = default;
};
struct FireReply {
    std::uint32_t sent = 0;
    std::vector<Unsent> unsent{};
    std::uint64_t started_us{};  // when it began, on the clock of caught frames
};
struct CollectReply {
    std::vector<Frame> frames;
    std::uint32_t dropped = 0;  // caught but lost, because more than `max` or than the kernel had room for
};
struct PingReply {};
struct ByeReply {};
struct OpenPodReply {
    std::vector<OpenedPod> pods;
};
struct ApplyReply {
    std::vector<ChangeOutcome> outcomes;  // one for each change, in order
};
struct KeepReply {};
struct RevertReply {
    std::vector<ChangeOutcome> outcomes;  // one for each change of Apply, in its order
};
struct RecoverReply {
    std::string run;              // whose journal it was; empty: there was none
    std::vector<Change> changes;  // what was taken back
    std::vector<ChangeOutcome> outcomes;
};
struct Refused {
    Error error;
};
using Reply = std::variant<HelloReply, HostFacts, LookupReply, SolicitReply, ArmReply, FireReply,
                           CollectReply, PingReply, ByeReply, Refused, OpenPodReply, ApplyReply, KeepReply,
                           RevertReply, RecoverReply>;

// Whole messages, length included.
std::string encode(const Request& request);
std::string encode(const Reply& reply);

// The length prefix of a message: 4 bytes big-endian. Errors: over kMaxMessageBytes, under 5.
Result<std::size_t> message_length(std::string_view four_bytes);
// The body of a message, without the 4 length bytes.
Result<Request> decode_request(std::string_view body);
Result<Reply> decode_reply(std::string_view body);

}  // namespace podroute
