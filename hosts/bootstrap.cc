// The bootstrap script and what it says.
#include "hosts/bootstrap.h"

#include <algorithm>
#include <array>

namespace podroute {
namespace {

// Split only for reading; the whole is one line without single quotes, so that any shell passes it to sh
// unchanged. The traps remove the directory also where the controller is gone and a line cannot be said. The
// mode is set before the upload: `test -x` asks access(2), which knows of noexec mounts, so that nothing is
// sent to a directory that cannot run it. Where gzip unpacks, its own checksum and length stand for
// cksum's. Linux 6.1 and later say their machine in a file, which costs no process.
constexpr std::string_view kScript =
    R"~(umask 077; d=; no=; say() { printf "\n%s %s\n" "$m" "$*"; }; )~"
    R"~(bye() { if [ -n "$d" ] && [ -d "$d" ]; then rm -rf "$d"; fi; }; )~"
    R"~(trap bye EXIT; trap "exit 1" HUP INT PIPE TERM; )~"
    R"~(for t in @DIRS@; do [ -n "$t" ] && [ -d "$t" ] || continue; )~"
    R"~(d=$(mktemp -d "$t/podroute.XXXXXXXX" 2>/dev/null) || { d=$t/podroute.$m; mkdir -m 700 "$d" 2>/dev/null; } )~"
    R"~(|| { d=; no="$no $t:unwritable"; continue; }; a=$d/agent; )~"
    R"~({ : >"$a" && chmod 700 "$a"; } 2>/dev/null || { bye; d=; no="$no $t:full"; continue; }; )~"
    R"~([ -x "$a" ] && break; bye; d=; no="$no $t:noexec"; done; )~"
    R"~([ -n "$d" ] || { say failed nodir $no; exit 1; }; )~"
    R"~({ read -r k </proc/sys/kernel/arch; } 2>/dev/null || k=$(uname -m); )~"
    R"~(if [ @GZSIZE@ -gt 0 ] && command -v gzip >/dev/null 2>&1; then say ready $k gzip; )~"
    R"~(e=$(head -c @GZSIZE@ | LC_ALL=C gzip -dc 2>&1 >"$a") || { case "$e" in *pace*) w=full;; *) w=damaged;; esac; )~"
    R"~(say failed $w "$t"; exit 1; }; )~"
    R"~(else say ready $k; )~"
    R"~(head -c @SIZE@ >"$a" 2>/dev/null || { say failed full "$t"; exit 1; }; )~"
    R"~(c=$(cksum <"$a" 2>/dev/null) || c="@CKSUM@ $(wc -c <"$a")"; )~"
    R"~([ "$c" = "@CKSUM@ @SIZE@" ] || { say failed damaged "$t"; exit 1; }; fi; )~"
    R"~(@SUDO@say run; )~"
    R"~(@RUN@"$a" --ssh-connection "$SSH_CONNECTION" --unlink-self "$d"; c=$?; )~"
    R"~([ $c = 126 ] && say failed noexec "$t"; exit $c)~";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

}  // namespace

std::uint32_t posix_cksum(std::span<const std::byte> bytes) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i << 24;
            for (int bit = 0; bit < 8; ++bit) c = (c & 0x80000000U) != 0 ? c << 1 ^ 0x04c11db7U : c << 1;
            t[i] = c;
        }
        return t;
    }();
    std::uint32_t crc = 0;
    const auto add = [&](std::uint32_t byte) { crc = crc << 8 ^ table[(crc >> 24 ^ byte) & 0xffU]; };
    for (const std::byte b : bytes) add(static_cast<std::uint32_t>(b));
    for (std::size_t n = bytes.size(); n != 0; n >>= 8) add(static_cast<std::uint32_t>(n & 0xff));
    return ~crc;
}

std::vector<std::string> default_directories() {
    return {"/run", "/dev/shm", "/var/tmp", "/tmp", "$HOME"};
}

std::string bootstrap_command(const BootstrapOptions& options) {
    std::string script(kScript);
    std::string directories;
    for (const auto& d : options.directories) directories += (directories.empty() ? "\"" : " \"") + d + "\"";
    replace_all(script, "@DIRS@", directories);
    replace_all(script, "@GZSIZE@", std::to_string(options.compressed_size));
    replace_all(script, "@SIZE@", std::to_string(options.size));
    replace_all(script, "@CKSUM@", std::to_string(options.cksum));
    replace_all(script, "@SUDO@",
                options.sudo ? R"(sudo -n true 2>/dev/null || { say failed sudo; exit 1; }; )" : "");
    replace_all(script, "@RUN@", options.sudo ? "sudo -n " : "");
    return "exec /bin/sh -c 'm=" + options.marker + "; " + script + "'";
}

std::optional<BootstrapLine> next_line(std::string& buffer, std::string_view marker) {
    const std::string start = "\n" + std::string(marker) + " ";
    const auto at = buffer.find(start);
    if (at == std::string::npos) return std::nullopt;
    const auto begin = at + start.size();
    const auto end = buffer.find('\n', begin);
    if (end == std::string::npos) return std::nullopt;
    const std::string line = buffer.substr(begin, end - begin);
    buffer.erase(0, end + 1);
    const auto space = line.find(' ');
    if (space == std::string::npos) return BootstrapLine{line, ""};
    return BootstrapLine{line.substr(0, space), line.substr(space + 1)};
}

namespace {

// "/run:noexec /tmp:full" as a person reads it.
std::string refusals(std::string_view list) {
    std::string out;
    while (!list.empty()) {
        const auto item = list.substr(0, list.find(' '));
        list.remove_prefix(std::min(list.size(), item.size() + 1));
        const auto colon = item.rfind(':');
        if (colon == std::string_view::npos) continue;
        const auto why = item.substr(colon + 1);
        out += (out.empty() ? "" : ", ") + std::string(item.substr(0, colon)) +
               (why == "noexec" ? " is mounted noexec"
                : why == "full" ? " is full"
                                : " is not writable");
    }
    return out;
}

}  // namespace

BootstrapFailure explain_failure(std::string_view rest) {
    const auto word = rest.substr(0, rest.find(' '));
    const std::string where(rest.size() > word.size() ? rest.substr(word.size() + 1) : "");
    if (word == "nodir") {
        const bool noexec = where.find(":noexec") != std::string::npos;
        const std::string why = refusals(where);
        return {"no directory for it" + (why.empty() ? std::string() : ": " + why),
                noexec ? "mount -o remount,exec /dev/shm" : "df -h /run /dev/shm /var/tmp /tmp", false};
    }
    if (word == "full") return {"no space in " + where, "df -h " + where, true};
    if (word == "noexec") return {"programs may not be run from " + where, "findmnt -T " + where, true};
    if (word == "damaged")
        return {"the agent arrived damaged or cut short in " + where, "df -h " + where, true};
    if (word == "sudo") return {"sudo wants a password", "", false};
    return {"the bootstrap failed", "", false};
}

}  // namespace podroute
