// Which addresses a host says that it cannot give to a synthetic pod.
#pragma once

#include <string>
#include <vector>

#include "model/ip.h"
#include "model/result.h"

namespace podroute {

// As many as one refusal names.
inline constexpr std::size_t kMaxTakenAddresses = 512;

// For `where` of a refusal: the address that was asked for, and others that are known not to be free.
std::string where_taken(const Address& asked, const std::vector<Address>& others);

// Of a refusal ("pod-unavailable"): those addresses, the one that was asked for first. None where another
// address would fare no better; what is no address is passed over.
std::vector<Address> taken_addresses(const Error& refusal);

}  // namespace podroute
