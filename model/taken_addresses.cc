// Words between blanks.
#include "model/taken_addresses.h"

#include <sstream>

namespace podroute {

std::string where_taken(const Address& asked, const std::vector<Address>& others) {
    std::string text = asked.to_string();
    std::size_t count = 1;
    for (const Address& other : others)
        if (other != asked && count++ < kMaxTakenAddresses) text += " " + other.to_string();
    return text;
}

std::vector<Address> taken_addresses(const Error& refusal) {
    std::vector<Address> found;
    std::istringstream words(refusal.where);
    for (std::string word; found.size() < kMaxTakenAddresses && words >> word;)
        if (const auto address = Address::parse(word)) found.push_back(*address);
    return found;
}

}  // namespace podroute
