// A request and the reply of the type that is wanted.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "model/host_link.h"

namespace podroute {

inline constexpr std::string_view kRefused = "refused";  // the agent lives and said no

// Any reply of another type is an error of the agent ("agent-failed"). A refusal is an Error with the code
// kRefused, and the agent's text and `where`.
template <class T>
Result<T> ask(HostLink& link, const Request& request, std::chrono::steady_clock::duration time) {
    auto reply = link.call(request, std::chrono::steady_clock::now() + time);
    if (!reply) return tl::unexpected(reply.error());
    if (auto* wanted = std::get_if<T>(&*reply)) return std::move(*wanted);
    if (const auto* no = std::get_if<Refused>(&*reply))
        return failure(std::string(kRefused), no->error.text, no->error.where);
    return failure("agent-failed", "the agent answered something else than it was asked");
}

}  // namespace podroute
