// host-local's files and the FIB.
#include "agent/pod_address.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "agent/fib.h"
#include "agent/tables.h"
#include "model/taken_addresses.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxNetworks = 256;  // directories of host-local

tl::unexpected<Error> taken(const Address& address, const std::string& why) {
    return failure("pod-unavailable", address.to_string() + ": " + why, address.to_string());
}

// Not the address is to blame: another one would fare no better.
tl::unexpected<Error> unreadable(const std::string& what, const std::string& why) {
    return failure("pod-unavailable", what + ": " + why);
}

// The addresses that host-local has given out in a network, so that none of them is asked for next.
std::vector<Address> leases(const std::string& network) {
    std::vector<Address> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(network.c_str()), closedir);
    if (!dir) return found;
    while (const dirent* entry = readdir(dir.get())) {
        if (found.size() >= kMaxTakenAddresses) break;
        if (const auto address = Address::parse(entry->d_name)) found.push_back(*address);
    }
    return found;
}

// What a lookup says of an address that no route leads to, or one of type unreachable, prohibit or blackhole
// (fib_props of net/ipv4/fib_semantics.c); anything else is no answer at all.
bool has_no_way(int error) {
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL;
}

}  // namespace

Result<void> not_in_ipam(const Address& address, const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
    if (!dir) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        return unreadable(directory, std::strerror(errno));
    }
    std::size_t seen = 0;
    for (;;) {
        errno = 0;  // its end and an error look alike
        const dirent* entry = readdir(dir.get());
        if (entry == nullptr) break;
        if (entry->d_name[0] == '.') continue;
        if (++seen > kMaxNetworks)
            return unreadable(directory, "more than " + std::to_string(kMaxNetworks) + " networks");
        const std::string file = directory + "/" + entry->d_name + "/" + address.to_string();
        if (access(file.c_str(), F_OK) == 0) {
            auto refusal = taken(address, "a pod has it: " + file);
            refusal.value().where = where_taken(address, leases(directory + "/" + entry->d_name));
            return refusal;
        }
        if (errno != ENOENT && errno != ENOTDIR) return unreadable(file, std::strerror(errno));
    }
    if (errno != 0) return unreadable(directory, std::strerror(errno));
    return {};
}

Result<void> not_routed(Netlink& netlink, const Address& address, std::uint32_t bridge) {
    FibQuery query;
    query.destination = address;
    const auto answer = lookup(netlink, query);
    if (answer.error != 0 && !has_no_way(answer.error))
        return unreadable("the host's way to " + address.to_string(), std::strerror(answer.error));
    if (answer.error != 0) {
        // A pod network without a bridge may well be a blackhole on its own host.
        if (bridge == 0) return {};
        return taken(address, std::string("the host has no way to it: ") + std::strerror(answer.error));
    }
    if (answer.type == RouteType::local) return taken(address, "the host itself carries it");
    if (answer.type != RouteType::unicast) return taken(address, "it is no address of a single host");
    if (answer.matched && answer.matched->is_host())
        return taken(address, "the host has a route to it alone");
    const bool by_bridge = std::any_of(answer.next_hops.begin(), answer.next_hops.end(),
                                       [&](const NextHop& h) { return h.ifindex == bridge; });
    if (bridge != 0 && !by_bridge) return taken(address, "the host's way to it is not by the pod bridge");
    return {};
}

Result<void> not_assigned(Netlink& netlink, const Address& address, std::uint32_t bridge) {
    const auto table = read_neighbours(netlink, [](const Address&) { return true; });
    if (!table) return unreadable("the bridge's neighbours", table.error().text);
    std::vector<Address> assigned;  // so that none of them is asked for next
    for (const Neighbour& entry : table->wanted)
        if (entry.ifindex == bridge && entry.permanent() && assigned.size() < kMaxTakenAddresses)
            assigned.push_back(entry.address);
    if (std::find(assigned.begin(), assigned.end(), address) == assigned.end()) return {};
    auto refusal = taken(address, "the pod bridge has a permanent neighbour entry for it");
    refusal.value().where = where_taken(address, assigned);
    return refusal;
}

Result<Descriptor> reserve(const Address& address) {
    Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd.open()) return unreadable("no socket to reserve an address by", std::strerror(errno));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "podroute-pod " + address.to_string();
    std::copy(text.begin(), text.end(), &name.sun_path[1]);  // its first byte is 0: abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0) return fd;
    if (errno == EADDRINUSE) return taken(address, "another run has it");
    return unreadable(address.to_string() + " could not be reserved", std::strerror(errno));
}

}  // namespace podroute::agent
