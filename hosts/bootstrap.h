// How the agent gets onto a host and is started, in one channel and without leaving anything there. Pure:
// text in, text out.
//
// The script speaks in lines "MARKER word ..": `ready MACHINE` (send the agent's bytes now) or `ready MACHINE
// gzip` (send them compressed), `run` (the agent's own output follows), `failed WHY`. Whatever a login shell
// prints before is passed over. It makes a directory by `mktemp -d` under umask 077 in the first place that
// is writable and may run programs, checks size and checksum of what arrived (POSIX cksum, or gzip's own),
// and removes the directory however the agent ends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podroute {

struct AgentImage {
    std::span<const std::byte> bytes;
    std::string machine;                      // uname -m it was built for
    std::span<const std::byte> compressed{};  // the same by gzip (RFC 1952); empty: never sent so
};

// POSIX cksum (IEEE Std 1003.1, cksum: CRC over bytes and length).
std::uint32_t posix_cksum(std::span<const std::byte> bytes);

struct BootstrapOptions {
    std::string marker;                    // random letters and digits
    std::vector<std::string> directories;  // tried in order; "$HOME" is the login's
    std::size_t size = 0;                  // of the agent, in bytes
    std::uint32_t cksum = 0;
    bool sudo = false;
    std::size_t compressed_size = 0;  // in bytes; 0: gzip is not asked for
};

// The directories that are tried, in order.
std::vector<std::string> default_directories();

// The command for an exec channel; it does not depend on the user's shell (sh, bash, zsh, fish, csh).
std::string bootstrap_command(const BootstrapOptions& options);

struct BootstrapLine {
    std::string word;  // "ready", "run", "failed"
    std::string rest;
};
// Takes the next marker line off the front of `buffer`, with all before it. Nothing if none is complete yet.
std::optional<BootstrapLine> next_line(std::string& buffer, std::string_view marker);

// The rest of a failed line, for a person. Its first word is "nodir" (then "DIRECTORY:REASON" items), "full",
// "noexec", "damaged" (each with the directory) or "sudo".
struct BootstrapFailure {
    std::string why;
    std::string help;            // a command to run on the host; may be empty
    bool try_elsewhere = false;  // another directory may do
};
BootstrapFailure explain_failure(std::string_view rest);

}  // namespace podroute
