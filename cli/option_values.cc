// Names to values.
#include "cli/option_values.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

#include "checks/registry.h"

namespace podroute::cli {
namespace {

tl::unexpected<Error> bad(const std::string& option, const std::string& text) {
    return failure("bad-usage", text, option);
}

}  // namespace

Result<void> resolve(const Selection& selection, Policy& policy) {
    policy.only.insert(selection.only.begin(), selection.only.end());
    for (const auto& name : selection.layers) {
        const auto layer = parse_layer(name);
        if (!layer) return bad("--layer", layer.error().text);
        bool has_checks = false;
        for (const auto& check : all_checks()) has_checks |= check.layer == *layer;
        if (!has_checks)
            return bad("--layer", fmt::format("this release has no checks in the layer '{}'", name));
        policy.layers.insert(*layer);
    }
    for (const auto& name : selection.skip) {
        std::string all;
        bool known = false;
        for (const auto& check : all_checks()) {
            known |= check.code == name;
            all.append(all.empty() ? "" : ", ").append(check.code);
        }
        if (!known) return bad("--skip", fmt::format("'{}' is no check; the checks are {}", name, all));
        policy.skip.insert(name);
    }
    return {};
}

Result<void> resolve(const ProbeOptions& probes, Policy& policy) {
    static const std::map<std::string, Protocol> protocols{
        {"icmp", Protocol::icmp}, {"tcp", Protocol::tcp}, {"udp", Protocol::udp}};
    if (!probes.protocols.empty()) policy.protocols.clear();
    for (const auto& name : probes.protocols) {
        if (name != "none")
            policy.protocols.insert(protocols.at(name));
        else if (probes.protocols.size() > 1)
            return bad("--protocol", "none goes with no other");
    }
    // What is no number at all is within every range.
    if (!std::isfinite(probes.timeout_s)) return bad("--timeout", "a number of seconds is wanted");
    if (!std::isfinite(probes.max_loss_percent)) return bad("--max-loss", "a percentage is wanted");
    policy.timeout_ms = static_cast<std::uint32_t>(std::lround(probes.timeout_s * 1000));
    policy.max_loss_ppm = static_cast<std::uint32_t>(std::lround(probes.max_loss_percent * 10'000));
    if (probes.pairs == "auto") return {};
    policy.pairs_per_cidr = kPairsFull;
    if (probes.pairs == "full") return {};
    const char* end = probes.pairs.data() + probes.pairs.size();
    const auto parsed = std::from_chars(probes.pairs.data(), end, policy.pairs_per_cidr);
    if (parsed.ec != std::errc() || parsed.ptr != end || policy.pairs_per_cidr == 0)
        return bad("--pairs", fmt::format("'{}' is neither full, auto nor a number from 1 on", probes.pairs));
    return {};
}

Result<void> resolve_fix(const std::string& mode, FixOptions& fix) {
    fix.mode = mode == "repair"                  ? FixMode::repair
               : mode == "add" || mode == "true" ? FixMode::add
                                                 : FixMode::none;
    if (fix.dry_run && fix.mode == FixMode::none)
        return bad("--dry-run", "it goes with --fix or --fix=repair");
    return {};
}

}  // namespace podroute::cli
