// Reads machines.txt from a file or standard input.
#include "cli/inventory_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace podroute::cli {
namespace {

constexpr int kBadInventory = 2;

tl::unexpected<InventoryErrors> unreadable(const std::string& name, const std::string& why) {
    return tl::unexpected(
        InventoryErrors{{{"unreadable", why + "; give the inventory with --machines FILE", name}}});
}

}  // namespace

tl::expected<Inventory, InventoryErrors> read_inventory(const std::string& file) {
    if (file.empty()) return unreadable("--machines", "the file name is empty");
    const bool is_stdin = file == "-";
    const std::string name = is_stdin ? "<stdin>" : file;
    const int fd = is_stdin ? dup(STDIN_FILENO) : open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return unreadable(name, std::strerror(errno));
    std::string bytes;
    char buffer[65536];
    ssize_t n = 0;
    // One byte over the limit is enough for the parser to refuse; a device that never ends is cut there.
    while (bytes.size() <= kMaxInventoryBytes && (n = read(fd, buffer, sizeof buffer)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        bytes.append(buffer, static_cast<std::size_t>(n));
    }
    const int error = errno;
    close(fd);
    if (n < 0) return unreadable(name, std::strerror(error));
    return parse_machines_txt(bytes, name);
}

int print_errors(const InventoryErrors& errors) {
    for (const auto& e : errors.errors) fmt::print(stderr, "{}: {}\n", e.where, e.text);
    return kBadInventory;
}

}  // namespace podroute::cli
