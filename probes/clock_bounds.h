// What is known of the differences between clocks: how much one is at least ahead of another. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace podroute {

// Of some hosts, by number. A host's offset is what is added to its clock, in microseconds.
class ClockBounds {
  public:
    explicit ClockBounds(std::size_t hosts);

    // offset(to) - offset(from) is no less than this; of several the greatest holds.
    void at_least(std::size_t from, std::size_t to, std::int64_t difference);
    // Joins them over all hosts: whatever offsets of some hosts keep all bounds between those then, others
    // are found that keep theirs. Where bounds contradict each other, as they do when a clock's speed is
    // corrected meanwhile, all are loosened by as little as it takes, to within a factor of two.
    void join();
    // Nothing: no bound.
    std::optional<std::int64_t> least(std::size_t from, std::size_t to) const;

  private:
    std::int64_t& at(std::size_t from, std::size_t to) { return least_[from * hosts_ + to]; }
    bool joined();

    std::size_t hosts_;
    std::vector<std::int64_t> least_;
};

}  // namespace podroute
