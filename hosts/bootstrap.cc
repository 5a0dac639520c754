// The bootstrap script and what it says.
#include "hosts/bootstrap.h"

#include <array>

namespace podroute {
namespace {

// Split only for reading; the whole is one line without single quotes, so that any shell passes it to sh
// unchanged.
constexpr std::string_view kScript =
    R"(umask 077; say() { printf "\n%s %s\n" "$m" "$*"; }; d=; )"
    R"(for t in @DIRS@; do d=$(mktemp -d "$t/podroute.XXXXXX" 2>/dev/null) && break; d=; done; )"
    R"([ -n "$d" ] || { say failed nodir; exit 1; }; )"
    R"(a=$d/agent; bye() { rm -rf "$d"; exit 1; }; trap bye HUP TERM; )"
    R"(say ready $(uname -m); )"
    R"(head -c @SIZE@ 2>/dev/null >"$a" || { cat >/dev/null & say failed full "$t"; bye; }; )"
    R"(c=$(cksum <"$a"); [ "$c" = "@CKSUM@ @SIZE@" ] || { say failed damaged "$t"; bye; }; )"
    R"(chmod 700 "$a"; "$a" --version >/dev/null 2>&1 || { say failed noexec "$t"; bye; }; )"
    R"(@SUDO@say run; )"
    R"(@RUN@"$a" --ssh-connection "$SSH_CONNECTION" --unlink-self "$d"; c=$?; rm -rf "$d"; exit $c)";

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
    replace_all(script, "@SIZE@", std::to_string(options.size));
    replace_all(script, "@CKSUM@", std::to_string(options.cksum));
    replace_all(script, "@SUDO@",
                options.sudo ? R"(sudo -n true 2>/dev/null || { say failed sudo; bye; }; )" : "");
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

BootstrapFailure explain_failure(std::string_view rest) {
    const auto word = rest.substr(0, rest.find(' '));
    const std::string where(rest.size() > word.size() ? rest.substr(word.size() + 1) : "");
    if (word == "nodir")
        return {"no directory could be made in /run, /dev/shm, /var/tmp, /tmp or the home directory",
                "df -h; mount", false};
    if (word == "full") return {"no space in " + where, "df -h " + where, true};
    if (word == "noexec") return {"programs may not be run from " + where, "mount | grep noexec", true};
    if (word == "damaged")
        return {"the agent arrived damaged or cut short in " + where, "df -h " + where, true};
    if (word == "sudo")
        return {"sudo wants a password",
                "give that user passwordless sudo (a line \"USER ALL=(ALL) NOPASSWD: ALL\" by visudo), or "
                "log in as root",
                false};
    return {"the bootstrap failed", "", false};
}

}  // namespace podroute
