// The hosts of a cluster as machines.txt names them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/ip.h"

namespace podroute {

using HostId = std::string;  // the short name of machines.txt ("node-0"); unique

struct InventoryHost {
    HostId name;
    std::string fqdn;
    std::vector<Address> addresses;  // node addresses, at most one of each family, in file order
    std::vector<Prefix> pod_cidrs;   // none: a control host, which needs routes but need not forward
    std::vector<unsigned> lines;     // the lines of machines.txt it came from, counted from 1

    std::optional<Address> address(Family family) const;
    bool operator==(const InventoryHost&) const = default;
};

struct Inventory {
    std::vector<InventoryHost> hosts;  // in file order

    const InventoryHost* find(const HostId& name) const;
    const InventoryHost* owner_of(const Address& node_address) const;
    std::size_t pod_networks() const;
    bool operator==(const Inventory&) const = default;
};

// Reads machines.txt: per line ADDRESS FQDN NAME [POD_CIDR..], any blanks, `#` comments, blank lines, CRLF,
// no last newline. Two lines with the same name are one dual-stack host if the FQDN is the same and the
// families differ. Every error at once; Error.where is "FILE:LINE:COLUMN". `file` is used for messages only.
struct InventoryErrors {
    std::vector<Error> errors;
};
tl::expected<Inventory, InventoryErrors> parse_machines_txt(std::string_view bytes, std::string_view file);

// What holds for every inventory, wherever it came from: at least one host, not more than kMaxHosts hosts and
// pod CIDRs, unique safe names, unique addresses, at most one address a family, a node address for the family
// of every CIDR. The first thing that does not hold.
Result<void> validate(const Inventory& inventory);

// Names are used in commands and file names: letters, digits, '.', '_' and '-', not first a '-' or '.', at
// most 253 (RFC 1123).
bool valid_host_name(std::string_view name);

// Expected routes grow with the square of this.
inline constexpr std::size_t kMaxHosts = 2000;

// The largest machines.txt that is read, in bytes.
inline constexpr std::size_t kMaxInventoryBytes = std::size_t{16} << 20;

}  // namespace podroute
