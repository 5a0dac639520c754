// What the words of options mean, beyond what each can say of itself. Errors: "bad-usage", where = the
// option.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "model/result.h"

namespace podroute::cli {

struct Selection {
    std::vector<std::string> only, layers, skip;
};

// What of Policy is not written as it is held.
struct ProbeOptions {
    std::vector<std::string> protocols;
    double timeout_s = 1, max_loss_percent = 1;
    std::string pairs = "auto";
};

// Layers and checks by name; the first that is none is an error which lists what there is.
Result<void> resolve(const Selection& selection, Policy& policy);
Result<void> resolve(const ProbeOptions& probes, Policy& policy);
// `mode` as --fix had it: "add", "repair", or nothing.
Result<void> resolve_fix(const std::string& mode, FixOptions& fix);

}  // namespace podroute::cli
