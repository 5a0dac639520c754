// Runs of FIB answers.
#include "model/facts_json.h"

namespace podroute {

Observed<std::vector<FibRun>> to_runs(const Observed<std::vector<FibAnswer>>& answers) {
    if (!answers.known()) return answers.unknown();
    std::vector<FibRun> runs;
    for (const FibAnswer& answer : *answers) {
        const auto same = [&](const FibAnswer& other) {
            return answer.error == other.error && answer.type == other.type && answer.table == other.table &&
                   answer.matched == other.matched && answer.next_hops == other.next_hops;
        };
        if (!runs.empty() && same(runs.back().answer))
            runs.back().also.push_back(answer.query);
        else
            runs.push_back({answer, {}});
    }
    return runs;
}

Observed<std::vector<FibAnswer>> from_runs(Observed<std::vector<FibRun>> runs) {
    if (!runs.known()) return runs.unknown();
    std::vector<FibAnswer> answers;
    for (FibRun& run : *runs) {
        std::vector<FibQuery> also = std::move(run.also);
        answers.push_back(std::move(run.answer));
        for (FibQuery& query : also) {
            answers.push_back(answers.back());
            answers.back().query = std::move(query);
        }
    }
    return answers;
}

}  // namespace podroute
