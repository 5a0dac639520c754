// Failures of reaching a host, as cause codes with the command that helps.
#include "hosts/ssh_errors.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace podroute {
namespace {

std::string endpoint(const LoginTarget& t) {
    return t.transport + " port " + std::to_string(t.port);
}

}  // namespace

std::string ssh_command(const LoginTarget& t) {
    return "ssh " + (t.port == 22 ? std::string() : "-p " + std::to_string(t.port) + " ") + t.user + "@" +
           t.name;
}

std::string shell_quoted(std::string_view word) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("/._-~:,@%+=").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain) return std::string(word);
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

Unknown proxy_failed(const LoginTarget& t, std::string_view said) {
    return {"no connection to " + endpoint(t) + " through the proxy: " + printable(said), "host-unreachable",
            ssh_command(t) + " -v true"};
}

Unknown proxy_useless(const LoginTarget& t, std::string_view end, std::string_view said) {
    std::string why = "no connection to " + endpoint(t) + ": the proxy " + std::string(end);
    if (!said.empty()) why += " and said: " + printable(said, 300);
    return {why, "ssh-failed", ssh_command(t) + " -v true"};
}

bool proxy_says_unreachable(std::string_view output) {
    // ssh(1) of its own connection, to a jump host.
    for (const std::string_view sign : {"ssh: connect to host", "banner exchange"})
        if (output.find(sign) != std::string_view::npos) return false;
    // As ssh -W and nc(1) put it.
    for (const std::string_view sign : {"open failed: connect failed", "No route to host",
                                        "Network is unreachable", "Connection timed out", "timed out"})
        if (output.find(sign) != std::string_view::npos) return true;
    return false;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string out(text.substr(0, limit));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\n' || c == '\r' ? ' ' : '?';
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

Unknown connect_failed(const LoginTarget& t, int error) {
    // Nothing of the host's: what this machine lacks says nothing of that one.
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
        return {"no connection to " + endpoint(t) + " from here: " + std::strerror(error), "ssh-failed",
                error == EMFILE ? "ulimit -n" : ""};
    const std::string why = error == 0 ? "no answer" : std::strerror(error);
    const std::string text = "no TCP connection to " + endpoint(t) + ": " + why;
    // A refusal comes from the host itself: it is up, and its sshd is not there.
    if (error == ECONNREFUSED)
        return {text + " (no sshd listens there; on its console: systemctl start ssh)", "host-unreachable",
                ssh_command(t) + " -v true"};
    return {text, "host-unreachable", "ip route get " + t.transport + "; ping -c 3 " + t.transport};
}

Unknown name_unresolved(const LoginTarget& t, std::string_view why) {
    return {"the name " + printable(t.transport) + " has no address: " + printable(why), "host-unreachable",
            "getent hosts " + t.transport};
}

Unknown session_failed(const LoginTarget& t, std::string_view reason) {
    const std::string way = t.proxied ? " through the proxy" : "";
    return {"connected to " + endpoint(t) + way + ", but no SSH session: " + printable(reason), "ssh-failed",
            ssh_command(t) + " -v true"};
}

Unknown auth_failed(const LoginTarget& t, std::string_view methods) {
    std::string why = "the login as " + t.user + " was refused";
    if (!methods.empty()) why += " (the host offers: " + printable(methods) + ")";
    return {why, "ssh-auth-failed",
            "ssh-copy-id " + (t.port == 22 ? std::string() : "-p " + std::to_string(t.port) + " ") + t.user +
                "@" + t.name};
}

Unknown host_key_unknown(const LoginTarget& t, std::string_view fingerprint, std::string_view key_type,
                         const KnownHostsPlace& place) {
    const std::string file = place.file.empty() ? "~/.ssh/known_hosts" : shell_quoted(place.file);
    const std::string type = printable(key_type, 20);
    const std::string port = t.port == 22 ? "" : " -p " + std::to_string(t.port);
    // ssh-keyscan cannot go through a proxy; it knows nothing of ssh_config, so that it is given the address.
    const std::string help = t.proxied
                                 ? "podroute verify --host-key-check accept-new"
                                 : "ssh-keyscan" + port + " -t " + type + " " + t.transport + " >> " + file;
    return {"no key of " + t.name + " is known; it presents the " + type + " key " + printable(fingerprint) +
                " (compare: ssh-keygen -lf /etc/ssh/ssh_host_" + type + "_key.pub on " + t.name + ")",
            "ssh-host-key-unknown", help};
}

Unknown host_key_mismatch(const LoginTarget& t, std::string_view fingerprint,
                          const std::vector<KnownHostsPlace>& places) {
    std::string help;
    for (const KnownHostsPlace& place : places) {
        const std::string file = place.file.empty() ? "" : " -f " + shell_quoted(place.file);
        // ssh-keygen takes one name at a time.
        help += (help.empty() ? "" : "; ") + ("ssh-keygen" + file + " -R ") + shell_quoted(place.entry);
    }
    return {"the key of " + t.name + " is not the one that is known; it presents " + printable(fingerprint) +
                ". If the host was made anew, forget the old one",
            "ssh-host-key-mismatch", help};
}

Unknown host_key_revoked(const LoginTarget& t, std::string_view fingerprint, std::string_view key_type) {
    // Nobody logs in there before it has another key; ssh-keygen -A makes those that are not there.
    const std::string key = "/etc/ssh/ssh_host_" + printable(key_type, 20) + "_key";
    return {"the key that " + t.name + " presents, " + printable(fingerprint) +
                ", is marked @revoked in known_hosts; for a new one, on its console: rm " + key + " " + key +
                ".pub; ssh-keygen -A; systemctl restart ssh",
            "ssh-host-key-mismatch", ""};
}

Unknown agent_failed(const LoginTarget& t, std::string why, std::string help) {
    return {"the agent could not run on " + t.name + ": " + std::move(why), "agent-failed", std::move(help)};
}

Unknown cancelled() {
    return {"the run was cancelled", "", ""};
}

std::string login_as_other_user(std::string_view output) {
    constexpr std::string_view kStart = "Please login as the user \"";
    const auto at = output.find(kStart);
    if (at == std::string_view::npos) return {};
    const auto rest = output.substr(at + kStart.size());
    const auto name = rest.substr(0, rest.find('"'));
    const bool plain = !name.empty() && name.size() <= 32 && name.front() != '-' &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
                       });
    return plain ? std::string(name) : std::string();
}

Unknown wrong_user(const LoginTarget& t, std::string_view wanted_user) {
    const std::string user(wanted_user);
    return {"the host refuses " + t.user + " and asks for the user " + user, "ssh-auth-failed",
            "podroute verify --user " + user + " --sudo"};
}

}  // namespace podroute
