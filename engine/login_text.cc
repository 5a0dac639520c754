// Commands for a person, as podroute itself logged in.
#include "engine/login_text.h"

#include <algorithm>
#include <string_view>

namespace podroute {
namespace {

constexpr std::string_view kRoot = "root", kAsRoot = "ssh root@";

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A user's name that is neither an option of ssh(1) nor more than a word.
bool plain_user(const std::string& user) {
    return !user.empty() && user.size() <= 64 && user.front() != '-' && pasteable(user) &&
           user.find(' ') == std::string::npos;
}

const HostFacts* facts_of(const Snapshot& snapshot, const HostId& host) {
    const auto at = snapshot.hosts.find(host);
    return at != snapshot.hosts.end() && at->second.known() ? &*at->second : nullptr;
}

std::string user_on(const Snapshot& snapshot, const HostFacts* facts) {
    if (facts != nullptr && plain_user(facts->login_user)) return facts->login_user;
    const std::string& asked = snapshot.policy.login.user;
    return plain_user(asked) ? asked : std::string(kRoot);
}

// Root by another name needs no sudo.
bool needs_sudo(const std::string& user, const Login& login, const HostFacts* facts) {
    return user != kRoot && (login.sudo || facts == nullptr || facts->uid != 0);
}

}  // namespace

bool pasteable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return letter_or_digit(c) || std::string_view(" .,:_-/=@+%#").find(c) != std::string_view::npos;
    });
}

std::string as_logged_in(const std::string& command, const Snapshot& snapshot) {
    if (!command.starts_with(kAsRoot)) return command;
    const auto space = command.find(' ', kAsRoot.size());
    if (space == std::string::npos) return command;
    const HostId host = command.substr(kAsRoot.size(), space - kAsRoot.size());
    if (snapshot.inventory.find(host) == nullptr) return command;
    if (!pasteable(command)) return {};
    const Login& login = snapshot.policy.login;
    const HostFacts* facts = facts_of(snapshot, host);
    const std::string user = user_on(snapshot, facts);
    const bool sudo = needs_sudo(user, login, facts);
    std::string text = "ssh ";
    if (sudo && !login.sudo) text += "-t ";
    if (login.port != 0 && login.port != 22) text += "-p " + std::to_string(login.port) + " ";
    return text + user + "@" + host + (sudo ? " sudo" : "") + command.substr(space);
}

}  // namespace podroute
