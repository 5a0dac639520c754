// What walks met, in words.
#pragma once

#include <string>
#include <vector>

#include "engine/walk.h"

namespace podroute {

// "pod node-0 → pod node-1   request stops at node-0: no route"
std::string stop_text(const Flow& flow, const Walk& walk);

// Lines about pairs, as evidence: the first few, and how many more there are.
class PairLines {
  public:
    void add(std::string line);
    std::size_t count() const { return count_; }
    void write(std::vector<std::string>& evidence) const;

  private:
    std::size_t count_ = 0;
    std::vector<std::string> lines_;
};

}  // namespace podroute
