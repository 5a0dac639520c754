// Who has this address: crafts the question and reads the answer, as ARP (RFC 826) for IPv4 and as neighbour
// discovery (RFC 4861) for IPv6. Pure: bytes in, bytes out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/ip.h"

namespace podroute {

// Six bytes as "aa:bb:cc:dd:ee:ff", either case.
bool valid_mac(std::string_view mac);

// An Ethernet frame that asks for `target` from a link with this MAC and address (same family as the target).
// IPv4 asks by broadcast, IPv6 the solicited-node multicast group of the target; with `holder`, only the
// machine with that MAC is asked whether it still has it, as a kernel does for an entry that it holds (RFC
// 4861 section 7.3.3). Errors: "bad-question".
Result<std::vector<std::uint8_t>> craft_question(const std::string& mac, const Address& source,
                                                 const Address& target, const std::string& holder = {});

// The address a frame of craft_question() asks for, nothing of any other frame.
std::optional<Address> read_question(std::span<const std::uint8_t> frame);

struct NeighbourAnswer {
    Address address;
    std::string mac;  // lower case

    bool operator==(const NeighbourAnswer&) const = default;
};

// What an ARP reply or a neighbour advertisement says. Nothing for any other bytes: hostile input. An
// advertisement counts only with hop limit 255, so that none came through a router (RFC 4861 section 7.1.2),
// and only a unicast MAC is one.
std::optional<NeighbourAnswer> read_answer(std::span<const std::uint8_t> frame);

}  // namespace podroute
