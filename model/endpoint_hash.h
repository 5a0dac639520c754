// For tables of ordered pairs that are looked up far more often than they are listed.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <utility>

#include "model/endpoint.h"
#include "model/ip.h"

namespace podroute {

// Of an endpoint, or of a pair or tuple of endpoints and plain values.
struct EndpointHash {
    std::size_t operator()(const Endpoint& endpoint) const noexcept {
        return std::hash<Address>{}(endpoint.address);  // almost never are two hosts given the same
    }
    template <class Value>
    std::size_t operator()(const Value& value) const noexcept {
        return std::hash<Value>{}(value);
    }
    template <class First, class Second>
    std::size_t operator()(const std::pair<First, Second>& ends) const noexcept {
        return mixed((*this)(ends.first), (*this)(ends.second));
    }
    template <class... Parts>
    std::size_t operator()(const std::tuple<Parts...>& parts) const noexcept {
        return std::apply(
            [&](const Parts&... part) {
                std::size_t sum = 0;
                ((sum = mixed(sum, (*this)(part))), ...);
                return sum;
            },
            parts);
    }

  private:
    static std::size_t mixed(std::size_t sum, std::size_t more) noexcept {
        return sum * 0x9e3779b97f4a7c15U + more;  // an odd number, 2^64 / golden ratio (Knuth)
    }
};

}  // namespace podroute
