// Reading and writing by poll(2).
#include "agent/messages.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "model/wire.h"

namespace podroute::agent {

bool MessageReader::oversized() const {
    return buffer_.size() >= 4 && !message_length(buffer_);
}

std::optional<std::string> MessageReader::take() {
    if (buffer_.size() < 4) return std::nullopt;
    const auto length = message_length(buffer_);
    if (!length || buffer_.size() < 4 + *length) return std::nullopt;
    std::string body = buffer_.substr(4, *length);
    buffer_.erase(0, 4 + *length);
    return body;
}

std::optional<std::string> MessageReader::next(std::chrono::milliseconds patience) {
    return next([&] {
        pollfd p{fd_, POLLIN, 0};
        int ready = 0;
        do ready = poll(&p, 1, static_cast<int>(patience.count()));
        while (ready < 0 && errno == EINTR);
        return ready > 0;
    });
}

std::optional<std::string> MessageReader::next(const std::function<bool()>& wait) {
    for (;;) {
        if (auto body = take()) return body;
        if (oversized() || !wait()) return std::nullopt;
        std::array<char, 65536> part{};
        const ssize_t n = read(fd_, part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return std::nullopt;
        buffer_.append(part.data(), static_cast<std::size_t>(n));
    }
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string last_words(int fd, std::chrono::milliseconds patience, std::size_t limit) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string text;
    std::array<char, 512> part{};
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd p{fd, POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : poll(&p, 1, static_cast<int>(left.count()));
        const ssize_t n = ready > 0 ? read(fd, part.data(), part.size()) : ready;
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(n));
        text.resize(std::min(text.size(), limit));
    }
    return text.substr(0, text.find('\n'));
}

}  // namespace podroute::agent
