// Files of journals.
#include "agent/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/descriptor.h"
#include "agent/files.h"
#include "agent/messages.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxBytes = (std::size_t{8} << 20) + 1;
constexpr int kTries = 8;  // another fixer may remove the empty directory while a file is made in it
constexpr const char* kUnfinished = ".part";

tl::unexpected<Error> failed(const std::string& path, const std::string& why) {
    return failure("journal", path + ": " + why);
}
tl::unexpected<Error> failed(const std::string& path) {
    return failed(path, std::strerror(errno));
}

// Nobody but root can have written it.
bool of_root_alone(int fd, mode_t kind) {
    struct stat s {};
    return fstat(fd, &s) == 0 && (s.st_mode & S_IFMT) == kind && s.st_uid == 0 && (s.st_mode & 0022) == 0;
}

bool ends_with(const std::string& text, const std::string& ending) {
    return text.size() > ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

Result<int> JournalFolder::open_directory(bool make) const {
    if (make && mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return failed(directory_);
    Descriptor fd(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.open()) {
        if (errno == ENOENT) return -1;
        return failed(directory_);
    }
    if (!of_root_alone(fd.get(), S_IFDIR)) return failed(directory_, "it is not a directory of root alone");
    return fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
}

Result<void> JournalFolder::store(const Journal& journal) const {
    const std::string path = path_of(journal.run);
    if (!valid_run(journal.run)) return failed(directory_, "no name for a journal");
    const std::string bytes = journal_to_json(journal);
    if (bytes.size() >= kMaxBytes) return failed(path, "it would be too large");
    const std::string name = path.substr(directory_.size() + 1), part = name + kUnfinished;
    for (int i = 0; i < kTries; ++i) {
        const auto opened = open_directory(true);
        if (!opened) return tl::unexpected(opened.error());
        const Descriptor directory(*opened);
        if (!directory.open()) continue;
        Descriptor file(openat(directory.get(), part.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.open() && errno == ENOENT) continue;
        const bool named = file.open() && write_all(file.get(), bytes) && fsync(file.get()) == 0 &&
                           linkat(directory.get(), part.c_str(), directory.get(), name.c_str(), 0) == 0;
        const bool stays = named && fsync(directory.get()) == 0;
        const auto error = failed(path);
        if (file.open()) unlinkat(directory.get(), part.c_str(), 0);
        if (stays) return {};
        if (named) unlinkat(directory.get(), name.c_str(), 0);
        rmdir(directory_.c_str());
        return error;
    }
    return failed(directory_, "it does not stay");
}

Result<std::vector<std::string>> JournalFolder::names() const {
    const auto opened = open_directory(false);
    if (!opened) return tl::unexpected(opened.error());
    std::vector<std::string> found;
    if (*opened < 0) return found;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(*opened), closedir);
    if (!directory) {
        close(*opened);
        return failed(directory_);
    }
    while (const dirent* entry = readdir(directory.get())) found.emplace_back(entry->d_name);
    return found;
}

Result<std::optional<std::string>> JournalFolder::first() const {
    const auto all = names();
    if (!all) return tl::unexpected(all.error());
    std::optional<std::string> found;
    for (const auto& name : *all)
        if (ends_with(name, suffix_) && (!found || name < *found)) found = name;
    if (found) found = directory_ + "/" + *found;
    return found;
}

Result<bool> JournalFolder::exists() const {
    const auto opened = open_directory(false);
    if (!opened) return tl::unexpected(opened.error());
    return Descriptor(*opened).open();
}

Result<void> JournalFolder::clear() const {
    const auto all = names();
    if (!all) return tl::unexpected(all.error());
    for (const auto& name : *all)
        if (ends_with(name, suffix_ + kUnfinished))
            if (auto gone = remove(directory_ + "/" + name); !gone) return gone;
    rmdir(directory_.c_str());
    return {};
}

Result<Journal> JournalFolder::load(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.open()) return failed(path);
    if (!of_root_alone(file.get(), S_IFREG)) return failed(path, "it is not a plain file of root alone");
    auto bytes = read_file("/proc/self/fd/" + std::to_string(file.get()), kMaxBytes);
    if (!bytes) return failed(path, bytes.error().text);
    auto journal = journal_from_json(*bytes);
    if (!journal) return failed(path, journal.error().text);
    return journal;
}

Result<void> JournalFolder::remove(const std::string& path) const {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path);
    rmdir(directory_.c_str());
    return {};
}

std::string network_inode() {
    struct stat s {};
    return stat("/proc/self/ns/net", &s) == 0 ? std::to_string(s.st_ino) : std::string();
}

std::string network_cookie() {
    const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    constexpr int kNamespaceCookie = 71;  // SO_NETNS_COOKIE, newer than some headers
    if (!fd.open() || getsockopt(fd.get(), SOL_SOCKET, kNamespaceCookie, &cookie, &size) != 0) return {};
    return std::to_string(cookie);
}

std::string boot_id() {
    auto id = read_file("/proc/sys/kernel/random/boot_id", 64);
    if (!id) return {};
    while (!id->empty() && id->back() == '\n') id->pop_back();
    return std::move(*id);
}

}  // namespace podroute::agent
