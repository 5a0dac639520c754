// What was read, or why it could not be read. Unknown is never an empty value.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace podroute {

struct Unknown {
    std::string why;   // one plain sentence
    std::string code;  // cause code where there is one ("host-unreachable", "agent-failed"), else empty
    std::string help;  // the exact command or step that helps, else empty

    bool operator==(const Unknown&) const = default;
};

template <class T>
class Observed {
  public:
    Observed() : state_(Unknown{"not read", "", ""}) {}
    Observed(T value) : state_(std::move(value)) {}            // NOLINT(google-explicit-constructor)
    Observed(Unknown unknown) : state_(std::move(unknown)) {}  // NOLINT(google-explicit-constructor)

    bool known() const { return std::holds_alternative<T>(state_); }
    explicit operator bool() const { return known(); }
    const T& operator*() const { return std::get<T>(state_); }
    T& operator*() { return std::get<T>(state_); }
    const T* operator->() const { return &std::get<T>(state_); }
    T* operator->() { return &std::get<T>(state_); }
    const Unknown& unknown() const { return std::get<Unknown>(state_); }

    bool operator==(const Observed&) const = default;

  private:
    std::variant<T, Unknown> state_;
};

}  // namespace podroute
