// podroute trace: verify's observation of one pair, and a drawing of the way its packets took.
#include "reports/trace.h"

#include "cli/commands.h"
#include "engine/endpoint_names.h"
#include "engine/stand_ins.h"

namespace podroute::cli {
namespace {

// Only the pair is probed and judged; every host still listens, so that a packet is found where it should not
// be.
Result<void> narrow(const TracePair& options, const Inventory& inventory, Policy& policy) {
    auto pair = resolve_pair(inventory, options.source, options.destination);
    if (!pair) return tl::unexpected<Error>(pair.error());
    policy.only = {pair->first.host, pair->second.host};
    for (const auto& [text, end] :
         {std::pair(&options.source, &pair->first), std::pair(&options.destination, &pair->second)})
        if (Address::parse(*text) && end->vantage == Vantage::pod) policy.pair_addresses.insert(end->address);
    policy.trace = Trace::all;
    policy.pair = std::move(*pair);
    return {};
}

}  // namespace

int run(const TracePair& options) {
    RunHooks hooks;
    hooks.command = "trace";
    std::pair<Endpoint, Endpoint> ends;
    hooks.prepare = [&](const Inventory& inventory, Policy& policy) {
        auto done = narrow(options, inventory, policy);
        if (done) ends = *policy.pair;
        return done;
    };
    std::vector<std::string> notes;
    hooks.observed = [&](const Snapshot& snapshot) {
        for (const StandIn& one : stand_ins(snapshot)) notes.push_back(stand_in_text(one));
    };
    hooks.drawing = [&](const Report& report, const TerminalOptions& terminal) {
        return render_trace(report, ends.first, ends.second, terminal, notes);
    };
    return verify(options.verify, hooks);
}

}  // namespace podroute::cli
