// Failures of reaching a host, as cause codes with the command that helps.
#include "hosts/ssh_errors.h"

#include <algorithm>
#include <cstring>

namespace podroute {
namespace {

std::string ssh_command(const LoginTarget& t) {
    return "ssh " + (t.port == 22 ? std::string() : "-p " + std::to_string(t.port) + " ") + t.user + "@" +
           t.name;
}

std::string endpoint(const LoginTarget& t) {
    return t.transport + " port " + std::to_string(t.port);
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
    std::string out(text.substr(0, limit));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\n' ? ' ' : '?';
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

Unknown connect_failed(const LoginTarget& t, int error) {
    const std::string why = error == 0 ? "no answer" : std::strerror(error);
    return {"no TCP connection to " + endpoint(t) + ": " + why, "host-unreachable", ssh_command(t)};
}

Unknown name_unresolved(const LoginTarget& t, std::string_view why) {
    return {"the name " + printable(t.transport) + " has no address: " + printable(why), "host-unreachable",
            "getent hosts " + t.transport};
}

Unknown session_failed(const LoginTarget& t, std::string_view reason) {
    return {"connected to " + endpoint(t) + ", but no SSH session: " + printable(reason), "ssh-failed",
            ssh_command(t) + " -v true"};
}

Unknown auth_failed(const LoginTarget& t, std::string_view methods) {
    std::string why = "the login as " + t.user + " was refused";
    if (!methods.empty()) why += " (the host offers: " + printable(methods) + ")";
    return {why, "ssh-auth-failed",
            "ssh-copy-id " + (t.port == 22 ? std::string() : "-p " + std::to_string(t.port) + " ") + t.user +
                "@" + t.name};
}

Unknown host_key_unknown(const LoginTarget& t, std::string_view fingerprint, std::string_view key_type) {
    return {"no host key of " + t.name + " is known; it presents the " + printable(key_type) + " key " +
                printable(fingerprint),
            "ssh-host-key-unknown", "podroute verify --host-key-check accept-new"};
}

Unknown host_key_mismatch(const LoginTarget& t, std::string_view fingerprint,
                          std::string_view known_hosts_name) {
    return {
        "the host key of " + t.name + " is not the one that is known; it presents " + printable(fingerprint),
        "ssh-host-key-mismatch", "ssh-keygen -R " + std::string(known_hosts_name)};
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
