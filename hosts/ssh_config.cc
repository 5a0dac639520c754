// ssh_config(5), through libssh.
#include "hosts/ssh_config.h"

#include <pwd.h>
#include <strings.h>
#include <unistd.h>

#include <array>

#include "hosts/host_key.h"

namespace podroute {
namespace {

std::string take(char* text) {
    std::string out = text == nullptr ? "" : text;
    ssh_string_free_char(text);
    return out;
}

// ProxyJump becomes a plain `ssh -W`, which must read the same configuration file as we do.
std::string proxy_with_config(std::string command, const std::string& config) {
    constexpr std::string_view kJump = "ssh ";
    if (command == "none") return {};
    if (config.empty() || command.find(" -W ") == std::string::npos || command.rfind(kJump, 0) != 0)
        return command;
    return "ssh -F " + shell_quoted(config) + " " + command.substr(kJump.size());
}

// libssh expands these itself only when it connects, and known_hosts is read before.
void expand_home(ssh_session session, ssh_options_e which) {
    if (const auto file = ssh_option(session, which); !file.empty())
        ssh_options_set(session, which, expanded_home(file).c_str());
}

// The quickest that both sides usually have; what ssh_config says overrides it.
void prefer_quick_algorithms(ssh_session session) {
    constexpr auto kCiphers =
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,"
        "aes128-ctr";
    constexpr auto kKeyExchange =
        "ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp384,"
        "ecdh-sha2-nistp521,diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,"
        "diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256";
    ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, kCiphers);
    ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, kCiphers);
    ssh_options_set(session, SSH_OPTIONS_KEY_EXCHANGE, kKeyExchange);
}

// Reads ssh_config for the name, the FQDN and the addresses in turn, until one has a HostName; as in ssh, the
// first value of an option wins. Without a HostName the host is reached by its inventory address.
std::string read_config(ssh_session session, const InventoryHost& host, const std::string& file) {
    for (const auto& name : names_of(host)) {
        ssh_options_set(session, SSH_OPTIONS_HOST, name.c_str());
        ssh_options_parse_config(session, file.empty() ? nullptr : file.c_str());
        auto resolved = ssh_option(session, SSH_OPTIONS_HOST);
        if (strcasecmp(resolved.c_str(), name.c_str()) != 0) return resolved;
    }
    return host.addresses.front().to_string();
}

}  // namespace

std::string ssh_option(ssh_session s, ssh_options_e which) {
    char* text = nullptr;
    if (ssh_options_get(s, which, &text) != SSH_OK) return {};
    return take(text);
}

std::string expanded_home(const std::string& file) {
    if (file.rfind("%d/", 0) == 0) return expanded_home("~/.ssh/" + file.substr(3));
    if (file.rfind("~/", 0) != 0) return file;
    std::array<char, 4096> text{};
    passwd entry{};
    passwd* user = nullptr;
    if (getpwuid_r(getuid(), &entry, text.data(), text.size(), &user) != 0 || user == nullptr) return file;
    return user->pw_dir + file.substr(1);
}

Configured configure(const InventoryHost& host, const SshOptions& options) {
    SshHandle owner(ssh_new());
    ssh_session session = owner.get();
    const int no_process = 0;
    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no_process);
    prefer_quick_algorithms(session);
    // What the command line says is set first, so that the configuration cannot override it.
    if (!options.user.empty()) ssh_options_set(session, SSH_OPTIONS_USER, options.user.c_str());
    ResolvedLogin login;
    LoginTarget& target = login.target;
    target.name = host.name;
    target.transport = read_config(session, host, options.config);
    ssh_options_set(session, SSH_OPTIONS_HOST, target.transport.c_str());
    target.user = options.user.empty() ? ssh_option(session, SSH_OPTIONS_USER) : options.user;
    if (target.user.empty()) target.user = "root";
    target.port = options.port;
    if (target.port == 0) ssh_options_get_port(session, &target.port);
    login.proxy_command = proxy_with_config(ssh_option(session, SSH_OPTIONS_PROXYCOMMAND), options.config);
    target.proxied = !login.proxy_command.empty();
    ssh_options_set(session, SSH_OPTIONS_USER, target.user.c_str());
    ssh_options_set(session, SSH_OPTIONS_PORT, &target.port);
    for (auto i = options.identities.rbegin(); i != options.identities.rend(); ++i)
        ssh_options_set(session, SSH_OPTIONS_ADD_IDENTITY, i->c_str());
    if (!options.known_hosts.empty())
        ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, options.known_hosts.c_str());
    expand_home(session, SSH_OPTIONS_KNOWNHOSTS);
    expand_home(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS);
    return {std::move(owner), std::move(login)};
}

}  // namespace podroute
