// What was lost inside hosts, weighed host by host when all of it is known.
#pragma once

#include <string>
#include <vector>

#include "engine/places.h"

namespace podroute {

struct InsideLoss {
    enum class Kind : std::uint8_t {
        all,   // of a flow
        echo,  // all of a flow of echo, while TCP passes
        part
    };
    const ProbedFlow* flow = nullptr;
    Kind kind = Kind::all;
    bool certain = true;  // more than the policy allows
    std::string check_id;
    Place place;
    Passage passage;  // of its host

    bool failed() const { return certain && flow->is_pair(); }
};

// Of a host that passes a part of other flows, a flow that is lost altogether may be so by chance: where all
// that are fit in with those of which a part is lost, they become such.
void join_by_chance(std::vector<InsideLoss>& losses);

}  // namespace podroute
