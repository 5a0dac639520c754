// Whole wire messages on a descriptor.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace podroute::agent {

// A second descriptor to look at while something is waited for.
struct Aside {
    std::function<int()> descriptor;  // negative: none
    std::function<void()> ready;      // called when there is something to read, or it was closed
};

class MessageReader {
  public:
    explicit MessageReader(int fd) : fd_(fd) {}
    // The next message's body; nothing when the input ended, nothing came for `patience`, or it is oversized.
    std::optional<std::string> next(std::chrono::milliseconds patience);
    // As above; `wait` returns true when the descriptor has something to read, false when nothing came in
    // time.
    std::optional<std::string> next(const std::function<bool()>& wait);

  private:
    std::optional<std::string> take();
    bool oversized() const;

    int fd_;
    std::string buffer_;
};

// False where the other end is gone; SIGPIPE is the caller's to ignore.
bool write_all(int fd, std::string_view bytes);

// What another process says last: its first line, at most `limit` bytes, read until its end or for
// `patience`.
std::string last_words(int fd, std::chrono::milliseconds patience, std::size_t limit);

}  // namespace podroute::agent
