// The fixed words of enumerations.
#include <algorithm>
#include <array>

#include "model/endpoint.h"
#include "model/fix.h"
#include "model/probe.h"
#include "model/report.h"

namespace podroute {
namespace {

constexpr std::array<std::string_view, 11> kLayers{"inventory",  "access",      "links", "routes",
                                                   "forwarding", "persistence", "icmp",  "tcp",
                                                   "udp",        "mtu",         "path"};

}  // namespace

std::string_view to_string(Layer layer) {
    return kLayers.at(static_cast<std::size_t>(layer));
}

Result<Layer> parse_layer(std::string_view text) {
    std::string all;
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
        if (kLayers[i] == text) return static_cast<Layer>(i);
        if (i != 0) all += ", ";
        all += kLayers[i];
    }
    return failure("bad-layer", "'" + std::string(text) + "' is no layer; the layers are " + all);
}

std::string_view to_string(Routing routing) {
    return std::array<std::string_view, 3>{"auto", "host", "fabric"}.at(static_cast<std::size_t>(routing));
}

std::string_view to_string(Status status) {
    return std::array<std::string_view, 5>{"pass", "fail", "warn", "skip", "unknown"}.at(
        static_cast<std::size_t>(status));
}

std::string_view to_string(Severity severity) {
    return std::array<std::string_view, 3>{"error", "warning", "info"}.at(static_cast<std::size_t>(severity));
}

std::string_view to_string(Automatic automatic) {
    return std::array<std::string_view, 3>{"add", "repair", "never"}.at(static_cast<std::size_t>(automatic));
}

std::string_view to_string(RunVerdict verdict) {
    return std::array<std::string_view, 4>{"pass", "fail", "unknown", "aborted"}.at(
        static_cast<std::size_t>(verdict));
}

std::string to_string(const Endpoint& endpoint) {
    return (endpoint.vantage == Vantage::pod ? "pod " : "node ") + endpoint.host;
}

std::string endpoint_name(const Inventory& inventory, const Endpoint& endpoint) {
    std::string name = to_string(endpoint);
    const InventoryHost* host = inventory.find(endpoint.host);
    if (host == nullptr || endpoint.vantage != Vantage::pod) return name;
    const auto of_family =
        std::count_if(host->pod_cidrs.begin(), host->pod_cidrs.end(),
                      [&](const Prefix& cidr) { return cidr.family() == endpoint.address.family(); });
    if (of_family < 2) return name;
    for (const Prefix& cidr : host->pod_cidrs)
        if (cidr.contains(endpoint.address)) name += " " + cidr.to_string();
    return name;
}

std::string path_end(const Inventory& inventory, const Endpoint& endpoint) {
    return endpoint_name(inventory, endpoint) + (endpoint.address.is_v4() ? "" : " (IPv6)");
}

std::string_view to_string(Protocol protocol) {
    return std::array<std::string_view, 3>{"icmp", "tcp", "udp"}.at(static_cast<std::size_t>(protocol));
}

std::string_view to_string(FixStatus status) {
    return std::array<std::string_view, 7>{"planned", "applied",  "already", "refused",
                                           "failed",  "reverted", "undone"}
        .at(static_cast<std::size_t>(status));
}

Report aborted_report(const RunInfo& run, const Inventory& inventory, Error error) {
    Report report;
    report.run = run;
    report.inventory = inventory;
    report.error = std::move(error);
    return report;
}

}  // namespace podroute
