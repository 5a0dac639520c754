// open(2), write(2).
#include "agent/sysctl_entry.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/descriptor.h"
#include "agent/files.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxName = 128;   // bytes
constexpr std::size_t kMaxValue = 256;  // bytes

std::string path_of(const std::string& name) {
    return "/proc/sys/net/" + name;
}

bool graphic(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

tl::unexpected<Error> failed(const std::string& name, int error) {
    return failure("sysctl", name + ": " + std::strerror(error));
}

}  // namespace

bool valid_sysctl_name(const std::string& name) {
    if (name.size() > kMaxName || !graphic(name)) return false;
    if (name.rfind("ipv4/", 0) != 0 && name.rfind("ipv6/", 0) != 0) return false;
    for (std::size_t begin = 0; begin <= name.size();) {
        const auto end = std::min(name.find('/', begin), name.size());
        const auto part = name.substr(begin, end - begin);
        if (part.empty() || part == "." || part == "..") return false;
        begin = end + 1;
    }
    return true;
}

Result<std::optional<std::string>> read_sysctl(const std::string& name) {
    if (!valid_sysctl_name(name)) return failure("bad-change", "not the name of a sysctl");
    auto value = read_file(path_of(name), kMaxValue);
    if (!value && value.error().code == "absent") return std::nullopt;
    if (!value) return tl::unexpected(value.error());
    while (!value->empty() && value->back() == '\n') value->pop_back();
    return std::move(*value);
}

Result<void> write_sysctl(const std::string& name, const std::string& value) {
    if (!valid_sysctl_name(name)) return failure("bad-change", "not the name of a sysctl");
    if (value.empty() || value.size() > kMaxValue || !graphic(value))
        return failure("bad-change", "not the value of a sysctl");
    const Descriptor file(open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.open()) return failed(name, errno);
    // One write: the kernel takes each write(2) as a whole value.
    ssize_t n = 0;
    while ((n = write(file.get(), value.data(), value.size())) < 0 && errno == EINTR) {
    }
    if (n < 0) return failed(name, errno);
    return {};
}

Result<void> write_sysctl_set(const std::string& name, const std::map<std::string, std::string>& values) {
    const auto put = [](const std::string& key, const std::string& value) -> Result<void> {
        const auto now = read_sysctl(key);
        if (!now) return tl::unexpected(now.error());
        return *now == value ? Result<void>{} : write_sysctl(key, value);
    };
    if (const auto master = values.find(name); master != values.end())
        if (auto good = put(name, master->second); !good) return good;
    for (const auto& [key, value] : values)
        if (key != name)
            if (auto good = put(key, value); !good) return good;
    return {};
}

}  // namespace podroute::agent
