// The fixed words of enumerations.
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
