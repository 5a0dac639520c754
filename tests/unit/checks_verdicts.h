// Runs one check on a snapshot, for tests of what its verdicts and causes say.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "checks/registry.h"
#include "engine/routing.h"

namespace podroute::testing {

inline std::vector<Verdict> run_check(const Snapshot& snapshot, std::string_view code) {
    Expected expected = expect(snapshot.inventory);
    const ProbeFacts probes = fold_probes(snapshot);
    expected.routing = routing_of(snapshot, probes);
    for (const Check& check : all_checks())
        if (check.code == code) return check.run(snapshot, expected, probes);
    ADD_FAILURE() << "no check " << code;
    return {};
}

// The verdict of this host, and subject where one is given.
inline Verdict verdict_of(const Snapshot& snapshot, std::string_view code, const HostId& host,
                          const std::string& subject = "") {
    for (Verdict& verdict : run_check(snapshot, code))
        if (verdict.host == host && (subject.empty() || verdict.subject == subject))
            return std::move(verdict);
    ADD_FAILURE() << code << " says nothing of " << host << " " << subject;
    return {};
}

// The only cause of that verdict.
inline Cause cause_of(const Snapshot& snapshot, std::string_view code, const HostId& host,
                      const std::string& subject = "") {
    Verdict verdict = verdict_of(snapshot, code, host, subject);
    EXPECT_EQ(verdict.causes.size(), 1U) << verdict.message;
    return verdict.causes.empty() ? Cause{} : std::move(verdict.causes.front());
}

using Lines = std::vector<std::string>;

}  // namespace podroute::testing
