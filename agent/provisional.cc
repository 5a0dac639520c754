// Journal, changes, and both back.
#include "agent/provisional.h"

#include <algorithm>

namespace podroute::agent {
namespace {

bool all_settled(const std::vector<ChangeOutcome>& outcomes) {
    return std::none_of(outcomes.begin(), outcomes.end(),
                        [](const ChangeOutcome& o) { return o.status == FixStatus::failed; });
}

}  // namespace

Place Place::here(const std::string& directory) {
    return {JournalFolder(directory, network_inode()), boot_id(), network_cookie()};
}

Reply Provisional::apply(const Apply& request, const std::function<std::optional<std::string>()>& go_on) {
    if (const auto cleared = place_.folder.clear(); !cleared) return Refused{cleared.error()};
    const auto orphan = place_.folder.first();
    if (!orphan) return Refused{orphan.error()};
    if (*orphan)
        return Refused{{"journal", **orphan + ": changes of a run that died are to be taken back first", ""}};
    planned_ = plan(objects_, request.changes);
    attempted_.assign(planned_.size(), false);
    Journal journal{1, request.run, request.started, place_.boot, place_.network, {}};
    for (const auto& one : planned_)
        if (one.write) journal.changes.push_back(one.change);
    if (!journal.changes.empty()) {
        if (const auto stored = place_.folder.store(journal); !stored) {
            planned_.clear();
            return Refused{stored.error()};
        }
        journal_ = place_.folder.path_of(request.run);
    }
    agent::apply(
        objects_, planned_, [this](std::size_t i) { attempted_[i] = true; }, go_on);
    ApplyReply reply;
    for (const auto& one : planned_) reply.outcomes.push_back(one.outcome);
    return reply;
}

Reply Provisional::keep() {
    if (!journal_.empty())
        if (const auto removed = place_.folder.remove(journal_); !removed) return Refused{removed.error()};
    journal_.clear();
    planned_.clear();
    return KeepReply{};
}

RevertReply Provisional::revert(bool told) {
    RevertReply reply;
    reply.outcomes.resize(planned_.size());
    for (std::size_t i = planned_.size(); i-- > 0;)
        reply.outcomes[i] =
            attempted_[i] ? agent::revert(objects_, planned_[i].change) : std::move(planned_[i].outcome);
    const bool settled = all_settled(reply.outcomes);
    // One that cannot be removed is found by the next run, which finds nothing to do.
    if (!journal_.empty() && (settled || told)) static_cast<void>(place_.folder.remove(journal_));
    journal_.clear();
    planned_.clear();
    return reply;
}

Reply recover(Objects& objects, const Place& place, bool told) {
    if (const auto cleared = place.folder.clear(); !cleared) return Refused{cleared.error()};
    const auto path = place.folder.first();
    if (!path) return Refused{path.error()};
    if (!*path) return RecoverReply{};
    auto journal = JournalFolder::load(**path);
    if (!journal) return Refused{journal.error()};
    RecoverReply reply{journal->run, std::move(journal->changes), {}};
    if (journal->boot != place.boot || journal->network != place.network)
        reply.outcomes.assign(
            reply.changes.size(),
            {FixStatus::refused, "left alone: the changes ended with the machine's restart", {}});
    else
        reply.outcomes = revert_all(objects, reply.changes);
    if (told || all_settled(reply.outcomes))
        if (const auto removed = place.folder.remove(**path); !removed) return Refused{removed.error()};
    return reply;
}

}  // namespace podroute::agent
