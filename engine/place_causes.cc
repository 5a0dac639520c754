// By code and host of the cause.
#include "engine/place_causes.h"

#include <algorithm>
#include <array>

namespace podroute {
namespace {

bool halts_packets(const Cause& cause) {
    static constexpr std::array<std::string_view, 6> codes{"forwarding-disabled", "rp-filter-drop",
                                                           "link-down",           "pod-cidr-mismatch",
                                                           "address-missing",     "address-duplicate"};
    return cause.severity == Severity::error &&
           std::find(codes.begin(), codes.end(), cause.code) != codes.end();
}

bool full_table(const Cause& cause) {
    return cause.severity == Severity::error &&
           (cause.code == "conntrack-full" || cause.code == "neighbour-table-full");
}

template <class Fits>
std::optional<std::size_t> first_that(std::span<const FoldedCause> causes, const Fits& fits) {
    const auto at = std::find_if(causes.begin(), causes.end(),
                                 [&](const FoldedCause& entry) { return fits(entry.cause); });
    return at == causes.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - causes.begin()));
}

bool has_address(const InventoryHost& host, const std::string& text) {
    return std::any_of(host.addresses.begin(), host.addresses.end(),
                       [&](const Address& address) { return address.to_string() == text; });
}

}  // namespace

std::optional<std::size_t> cause_inside(std::span<const FoldedCause> causes, const Place& place) {
    if (place.kind != PlaceKind::inside) return std::nullopt;
    return first_that(causes,
                      [&](const Cause& cause) { return cause.host == place.host && halts_packets(cause); });
}

std::optional<std::size_t> cause_of_full_table(std::span<const FoldedCause> causes, const ProbedFlow& flow,
                                               const Place& place) {
    if (place.kind != PlaceKind::inside || !flow.objections.empty()) return std::nullopt;
    return first_that(causes,
                      [&](const Cause& cause) { return cause.host == place.host && full_table(cause); });
}

std::optional<std::size_t> cause_of_other_machine(const Inventory& inventory,
                                                  std::span<const FoldedCause> causes, const ProbedFlow& flow,
                                                  const Place& place) {
    // Where a part is lost, who answered for the address may have changed on the way: counts tell no place.
    if (place.kind == PlaceKind::inside && flow.fate() != ProbeFate::partly_lost) return std::nullopt;
    const bool request = flow.failed_leg() == ProbeLeg::request;
    const InventoryHost* target = inventory.find((request ? flow.destination : flow.source).host);
    if (target == nullptr) return std::nullopt;
    return first_that(causes, [&](const Cause& cause) {
        return cause.code == "address-duplicate" && cause.severity == Severity::error &&
               (cause.host == target->name || has_address(*target, cause.subject));
    });
}

}  // namespace podroute
