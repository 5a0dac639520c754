// Errors as values: what is wrong, where, and what to do about it.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace podroute {

struct Error {
    std::string code;   // stable, lower-case with hyphens ("bad-address", "host-unreachable")
    std::string text;   // one plain sentence for a person, what is wrong and what to do
    std::string where;  // file:line:column, host, or object; may be empty

    bool operator==(const Error&) const = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> failure(std::string code, std::string text, std::string where = {}) {
    return tl::unexpected<Error>(Error{std::move(code), std::move(text), std::move(where)});
}

}  // namespace podroute
