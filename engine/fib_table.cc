// Longest prefix match by one hash lookup per prefix length that occurs.
#include "engine/fib_table.h"

#include <algorithm>
#include <cerrno>

namespace podroute {
namespace {

unsigned source_length(const Route& route) {
    return route.source ? route.source->length() : 0;
}

}  // namespace

bool preferred(const Route& a, const Route& b) {
    if (a.destination.length() != b.destination.length())
        return a.destination.length() > b.destination.length();
    if (source_length(a) != source_length(b)) return source_length(a) > source_length(b);
    if (a.tos != b.tos) return a.tos > b.tos;
    return a.metric < b.metric;
}

int type_error(RouteType type) {
    switch (type) {
        case RouteType::blackhole:
        case RouteType::nat:
        case RouteType::xresolve:
            return EINVAL;
        case RouteType::unreachable:
            return EHOSTUNREACH;
        case RouteType::prohibit:
            return EACCES;
        case RouteType::throw_:
            return EAGAIN;
        default:
            return 0;
    }
}

void FibTable::add(const Route& route) {
    routes_[route.destination].push_back(&route);
}

void FibTable::sort() {
    lengths_.clear();
    for (auto& [prefix, bucket] : routes_) {
        lengths_.push_back(prefix.length());
        // Stable: among equals the kernel tries the one that it dumps first.
        std::stable_sort(bucket.begin(), bucket.end(),
                         [](const Route* a, const Route* b) { return preferred(*a, *b); });
    }
    std::sort(lengths_.rbegin(), lengths_.rend());
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
}

}  // namespace podroute
