// Files that one command line names twice.
#include "cli/collisions.h"

#include <fmt/format.h>

#include <cstdlib>

#include "reports/files.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

struct NamedFile {
    std::string option;  // as the message names it: "--json", "SNAPSHOT"
    std::string file;    // empty: not asked for; "-" is standard input
};
struct Files {
    std::vector<NamedFile> read, written;
};

void add_ssh(Files& files, const SshSettings& ssh) {
    files.read.push_back({"--ssh-config", ssh.config});
    files.read.push_back({"--known-hosts", ssh.known_hosts});
    for (const std::string& identity : ssh.identities) files.read.push_back({"--identity", identity});
    // What SSH reads and nobody names.
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == 0) return;
    for (const std::string name : {"config", "known_hosts", "id_rsa", "id_ecdsa", "id_ed25519"})
        files.read.push_back({"~/.ssh/" + name, std::string(home) + "/.ssh/" + name});
}

void add_output(Files& files, const OutputOptions& output) {
    files.written.push_back({"--json", output.json});
    files.written.push_back({"--junit", output.junit});
}

Files files_of(const Verify& options) {
    Files files;
    files.read.push_back({"--machines", options.machines});
    add_ssh(files, options.ssh);
    add_output(files, options.output);
    files.written.push_back({"--snapshot", options.snapshot});
    files.written.push_back({"--pcap", options.pcap});
    return files;
}
Files files_of(const TracePair& options) {
    return files_of(options.verify);
}
Files files_of(const Replay& options) {
    Files files;
    files.read.push_back({"SNAPSHOT", options.snapshot});
    add_output(files, options.output);
    return files;
}
Files files_of(const Undo& options) {
    Files files;
    files.read.push_back({"REPORT", options.report});
    if (options.all || options.machines_given) files.read.push_back({"--machines", options.machines});
    add_ssh(files, options.ssh);
    add_output(files, options.output);
    return files;
}
Files files_of(const Plan&) {
    return {};
}
Files files_of(const Explain&) {
    return {};
}

// Where a redirection led is still to be seen in /proc.
std::string path_of(const NamedFile& named) {
    return named.file == "-" ? "/proc/self/fd/0" : named.file;
}

bool same(const NamedFile& a, const NamedFile& b) {
    return !a.file.empty() && !b.file.empty() && same_file(path_of(a), path_of(b));
}

}  // namespace

std::optional<std::string> collision(const Command& command, const std::string& config_file) {
    const Files files = std::visit([](const auto& options) { return files_of(options); }, command);
    std::vector<NamedFile> others = files.read;
    others.push_back({"--config", config_file});
    others.push_back({"standard output", "/proc/self/fd/1"});
    others.push_back({"standard error", "/proc/self/fd/2"});
    for (const NamedFile& output : files.written) {
        for (const NamedFile& other : others)
            if (same(output, other))
                return fmt::format("{} and {} are the same file, '{}', and one would be lost", output.option,
                                   other.option, sanitize(output.file));
        others.push_back(output);
    }
    return std::nullopt;
}

}  // namespace podroute::cli
