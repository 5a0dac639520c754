// ssh_config(5), through libssh.
#include "hosts/ssh_config.h"

#include <pwd.h>
#include <strings.h>
#include <unistd.h>

#include <array>

#include "hosts/host_key.h"

namespace podroute {
namespace {

using Option = SshClient::Option;

// ProxyJump becomes a plain `ssh -W`, which must read the same configuration file as we do.
std::string proxy_with_config(std::string command, const std::string& config) {
    constexpr std::string_view kJump = "ssh ";
    if (command == "none") return {};
    if (config.empty() || command.find(" -W ") == std::string::npos || command.rfind(kJump, 0) != 0)
        return command;
    return "ssh -F " + shell_quoted(config) + " " + command.substr(kJump.size());
}

// libssh expands these itself only when it connects, and known_hosts is read before.
void expand_home(SshClient& client, Option which) {
    if (const auto file = client.get(which); !file.empty()) client.set(which, expanded_home(file));
}

// The quickest that both sides usually have; what ssh_config says overrides it.
void prefer_quick_algorithms(SshClient& client) {
    constexpr auto kCiphers =
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,"
        "aes128-ctr";
    constexpr auto kKeyExchange =
        "ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp384,"
        "ecdh-sha2-nistp521,diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,"
        "diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256";
    client.set(Option::ciphers, kCiphers);
    client.set(Option::key_exchange, kKeyExchange);
}

// Reads ssh_config for the name, the FQDN and the addresses in turn, until one has a HostName; as in ssh, the
// first value of an option wins. The HostName; nothing if there is none.
std::string read_config(SshClient& client, const InventoryHost& host, const std::string& file) {
    for (const auto& name : names_of(host)) {
        client.set(Option::host, name);
        client.read_config(file);
        auto resolved = client.get(Option::host);
        if (strcasecmp(resolved.c_str(), name.c_str()) != 0) return resolved;
    }
    return {};
}

}  // namespace

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
    SshClient client;
    prefer_quick_algorithms(client);
    // What the command line says is set first, so that the configuration cannot override it.
    if (!options.user.empty()) client.set(Option::user, options.user);
    ResolvedLogin login;
    LoginTarget& target = login.target;
    target.name = host.name;
    const auto host_name = read_config(client, host, options.config);
    target.transport = host_name.empty() ? host.addresses.front().to_string() : host_name;
    login.known_as = host_name.empty() ? host.name : host_name;
    client.set(Option::host, target.transport);
    target.user = options.user.empty() ? client.get(Option::user) : options.user;
    if (target.user.empty()) target.user = "root";
    if (options.port != 0) client.set(Option::port, std::to_string(options.port));
    target.port = static_cast<unsigned>(std::stoul(client.get(Option::port)));
    login.proxy_command = proxy_with_config(client.get(Option::proxy_command), options.config);
    target.proxied = !login.proxy_command.empty();
    client.set(Option::user, target.user);
    // The last one that is added is tried first.
    for (auto i = options.identities.rbegin(); i != options.identities.rend(); ++i)
        client.set(Option::identity, *i);
    if (!options.known_hosts.empty()) client.set(Option::known_hosts, options.known_hosts);
    expand_home(client, Option::known_hosts);
    expand_home(client, Option::global_known_hosts);
    return {std::move(client), std::move(login)};
}

}  // namespace podroute
