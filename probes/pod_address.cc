// Small CIDRs are gone through, large ones are tried at random.
#include "probes/pod_address.h"

#include <vector>

#include "model/pod_room.h"

namespace podroute {
namespace {

constexpr unsigned kCounted = 10;  // host bits up to which every address is looked at
constexpr unsigned kTries = 64;    // enough: addresses that are taken are few

std::vector<Address> free_in_top_quarter(const Prefix& cidr,
                                         const std::function<bool(const Address&)>& taken) {
    std::vector<Address> usable;
    for (Address a = cidr.first_usable();; a = a.offset(1)) {
        usable.push_back(a);
        if (a == cidr.last_usable()) break;
    }
    std::vector<Address> out;
    for (std::size_t i = first_for_pods(usable.size()); i < usable.size(); ++i)
        if (!taken(usable[i])) out.push_back(usable[i]);
    return out;
}

// Both upper host bits set, the others at random.
Address any_in_top_quarter(const Prefix& cidr, Seeded& random) {
    auto bytes = cidr.last().raw();
    const unsigned shift = cidr.family() == Family::v4 ? 96 : 0;
    std::uint64_t word = 0;
    for (unsigned bit = cidr.length() + 2; bit < cidr.network().bits(); ++bit) {
        if ((bit - cidr.length() - 2) % 64 == 0) word = random.next();
        const unsigned at = bit + shift;
        if ((word & 1U) == 0) bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] & ~(0x80U >> at % 8));
        word >>= 1U;
    }
    return *Address::from_bytes(bytes.data() + shift / 8, cidr.network().wire_size());
}

bool reserved(const Prefix& cidr, const Address& address) {
    return address < cidr.first_usable() || cidr.last_usable() < address;
}

tl::unexpected<Error> none_free(const Prefix& cidr) {
    return failure("no-free-address", cidr.to_string() + " has no free address in its top quarter");
}

}  // namespace

Result<Address> pick_pod_address(const Prefix& cidr, Seeded random,
                                 const std::function<bool(const Address&)>& taken) {
    const unsigned host_bits = cidr.network().bits() - cidr.length();
    if (host_bits < 2)
        return failure("no-free-address",
                       "the pod network " + cidr.to_string() + " has no room for a pod beside its gateway");
    if (host_bits <= kCounted) {
        const auto free = free_in_top_quarter(cidr, taken);
        if (free.empty()) return none_free(cidr);
        return free[random.below(free.size())];
    }
    for (unsigned i = 0; i < kTries; ++i) {
        const Address address = any_in_top_quarter(cidr, random);
        if (!reserved(cidr, address) && !taken(address)) return address;
    }
    return none_free(cidr);
}

}  // namespace podroute
