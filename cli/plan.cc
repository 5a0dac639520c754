// podroute plan: the pod routes that each host should hold, as a table and as commands.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/inventory_file.h"
#include "cli/print.h"
#include "engine/expected.h"

namespace podroute::cli {
namespace {

std::string addresses(const InventoryHost& host) {
    std::string out;
    for (const auto& a : host.addresses) out += (out.empty() ? "" : ", ") + a.to_string();
    return out;
}

}  // namespace

std::string render_plan(const Inventory& inventory, const Expected& expected) {
    std::size_t width = 11;
    for (const auto& r : expected.routes) width = std::max(width, r.pod_cidr.to_string().size());
    std::string out;
    for (const auto& host : inventory.hosts) {
        const auto mine = [&](const ExpectedRoute& r) { return r.host == host.name; };
        out += fmt::format("{}  {}{}\n", host.name, addresses(host),
                           host.pod_cidrs.empty() ? "  (control host: routes only)" : "");
        if (std::none_of(expected.routes.begin(), expected.routes.end(), mine)) {
            out += "  needs no pod route\n\n";
            continue;
        }
        out += fmt::format("  {:<{}}  {:<15}  {}\n", "pod network", width, "next hop", "owner");
        for (const auto& r : expected.routes)
            if (mine(r))
                out += fmt::format("  {:<{}}  {:<15}  {}\n", r.pod_cidr.to_string(), width,
                                   r.next_hop.to_string(), r.owner);
        out += "\n";
        for (const auto& r : expected.routes)
            if (mine(r)) out += fmt::format("  {}\n", route_add_command(r));
        out += "\n";
    }
    for (const auto& o : expected.overlaps)
        out += o.covers_node
                   ? fmt::format(
                         "error[inventory-overlap]: pod network {} of {} covers the node address {} of {}\n",
                         o.first.to_string(), o.first_host, o.second.network().to_string(), o.second_host)
                   : fmt::format("error[inventory-overlap]: pod networks {} of {} and {} of {} overlap\n",
                                 o.first.to_string(), o.first_host, o.second.to_string(), o.second_host);
    return out;
}

int run(const Plan& options) {
    const auto inventory = read_inventory(options.machines);
    if (!inventory) return print_errors(inventory.error());
    const auto expected = expect(*inventory);
    print(render_plan(*inventory, expected));
    return expected.overlaps.empty() ? 0 : 1;
}

}  // namespace podroute::cli
