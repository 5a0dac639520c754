#include "reports/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "reports/json.h"
#include "reports/text.h"

namespace podroute {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> not_written(const std::string& path, const std::string& why) {
    return failure("report-not-written", "cannot write '" + sanitize(path) + "': " + why, path);
}

std::string reason(int error) {
    return std::generic_category().message(error);
}

class File {
  public:
    explicit File(int fd) : fd_(fd) {}
    ~File() { (void)close(); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }
    int close() {
        const int fd = fd_;
        fd_ = -1;
        return fd < 0 ? 0 : ::close(fd);
    }

  private:
    int fd_;
};

// Removes the temporary file unless it became the report.
class Temporary {
  public:
    explicit Temporary(std::string path) : path_(std::move(path)) {}
    ~Temporary() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    const std::string& path() const { return path_; }
    void keep() { path_.clear(); }

  private:
    std::string path_;
};

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// Where the file really is: behind symbolic links, which may dangle no further than their last component.
Result<std::string> real_target(const std::string& path) {
    if (path == "-") return not_written(path, "standard output is not supported, give a file name");
    // The kernel's word first: it refuses to follow links that others planted (fs.protected_symlinks).
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno != ENOENT) return not_written(path, reason(errno));
    std::error_code error;
    fs::path target = path;
    for (int hops = 0; fs::is_symlink(fs::symlink_status(target, error)); ++hops) {
        if (hops == 40) return not_written(path, "too many levels of symbolic links");
        const fs::path link = fs::read_symlink(target, error);
        if (error) return not_written(path, error.message());
        target = link.is_absolute() ? link : target.parent_path() / link;
    }
    if (::stat(target.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode)) return not_written(path, "it is a directory");
        if (!S_ISREG(info.st_mode)) return not_written(path, "it is not a regular file");
    } else if (errno != ENOENT) {
        return not_written(path, reason(errno));
    }
    if (target.filename().empty()) return not_written(path, "it names a directory");
    return target.string();
}

// A whole file beside the one that it is to replace.
struct Staged {
    std::string path, target;  // as it was asked for, and where that leads
    std::unique_ptr<Temporary> file;
};

Result<Staged> stage(const std::string& path, std::string_view bytes) {
    const auto target = real_target(path);
    if (!target) return tl::unexpected(target.error());
    fs::path directory = fs::path(*target).parent_path();
    if (directory.empty()) directory = ".";
    // A name that is known before the file exists: at most one leftover, should the run be killed just here.
    auto temporary = std::make_unique<Temporary>(
        (directory / ("." + fs::path(*target).filename().string() + "." + std::to_string(::getpid())))
            .string());
    constexpr mode_t kMode = 0666;  // less the umask
    ::unlink(temporary->path().c_str());
    File file(::open(temporary->path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kMode));
    if (file.fd() < 0) {
        const int error = errno;
        temporary->keep();
        if (error == ENOENT)
            return not_written(path, "there is no directory '" + sanitize(directory.string()) + "'");
        if (error == ENAMETOOLONG) return not_written(path, "the name is too long");
        return not_written(path, reason(error) + " in directory '" + sanitize(directory.string()) + "'");
    }
    if (!write_all(file.fd(), bytes) || ::fsync(file.fd()) != 0 || file.close() != 0)
        return not_written(path, reason(errno));
    return Staged{path, *target, std::move(temporary)};
}

Result<void> commit(const Staged& staged) {
    if (::rename(staged.file->path().c_str(), staged.target.c_str()) != 0)
        return not_written(staged.path, reason(errno));
    staged.file->keep();
    fs::path directory = fs::path(staged.target).parent_path();
    if (directory.empty()) directory = ".";
    // The new name reaches the disk with its directory; file systems that cannot sync one are left alone.
    const File parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.fd() >= 0) (void)::fsync(parent.fd());
    return {};
}

}  // namespace

bool same_file(const std::string& a, const std::string& b) {
    const auto first = real_target(a), second = real_target(b);
    if (!first || !second) return false;
    std::error_code error;
    if (fs::equivalent(*first, *second, error)) return true;
    const fs::path one = fs::absolute(*first, error), other = fs::absolute(*second, error);
    return one.filename() == other.filename() &&
           fs::equivalent(one.parent_path(), other.parent_path(), error);
}

Result<void> write_atomically(const std::string& path, std::string_view bytes) {
    const auto staged = stage(path, bytes);
    return staged ? commit(*staged) : tl::unexpected(staged.error());
}

Result<ReportFiles> ReportFiles::open(ReportTargets targets, const Report& aborted) {
    if (same_file(targets.json, targets.junit))
        return not_written(targets.junit, "the JSON and the JUnit report would be the same file");
    ReportFiles files(std::move(targets));
    if (auto written = files.write(aborted); !written) {
        files.write_what_can_be(aborted);  // what was green before the run must not stay so
        return tl::unexpected(written.error());
    }
    return files;
}

Result<void> ReportFiles::write(const Report& report) const {
    std::vector<Staged> all;
    for (const auto& [path, text] : texts(report)) {
        auto staged = stage(path, text);
        if (!staged) return tl::unexpected(staged.error());
        all.push_back(std::move(*staged));
    }
    for (const Staged& staged : all)
        if (auto done = commit(staged); !done) return done;
    return {};
}

void ReportFiles::write_what_can_be(const Report& report) const {
    for (const auto& [path, text] : texts(report)) static_cast<void>(write_atomically(path, text));
}

std::vector<std::pair<std::string, std::string>> ReportFiles::texts(const Report& report) const {
    std::vector<std::pair<std::string, std::string>> files;
    if (!targets_.json.empty()) files.emplace_back(targets_.json, render_json(report));
    if (!targets_.junit.empty())
        files.emplace_back(targets_.junit, render_junit(report, targets_.junit_options));
    return files;
}

}  // namespace podroute
