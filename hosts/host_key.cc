// What known_hosts says of a host's key.
#include "hosts/host_key.h"

#include <fstream>

namespace podroute {
namespace {

using Option = SshClient::Option;
constexpr std::string_view kRevoked = "@revoked";

// libssh passes over lines that begin with a marker: revoked keys are looked for here.
bool revoked_in(const std::string& file, const std::string& name, const SshClient& client) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
        if (line.rfind(kRevoked, 0) != 0) continue;
        const auto start = line.find_first_not_of(" \t", kRevoked.size());
        if (start != std::string::npos && client.line_holds_key(name, line.substr(start))) return true;
    }
    return false;
}

bool revoked(const SshClient& client, const std::string& name) {
    return revoked_in(client.get(Option::known_hosts), name, client) ||
           revoked_in(client.get(Option::global_known_hosts), name, client);
}

// Where a person would add or remove the key.
KnownHostsPlace place_of(const LoginTarget& target, const std::string& name, const SshOptions& options) {
    const std::string entry = target.port == 22 ? name : "[" + name + "]:" + std::to_string(target.port);
    return {entry, options.known_hosts};
}

}  // namespace

std::vector<std::string> names_of(const InventoryHost& host) {
    std::vector<std::string> names{host.name, host.fqdn};
    for (const auto& a : host.addresses) names.push_back(a.to_string());
    return names;
}

std::string choose_known_hosts_name(SshClient& client, const InventoryHost& host,
                                    const std::string& transport, const std::string& otherwise) {
    auto names = names_of(host);
    names.insert(names.begin() + 2, transport);
    for (const auto& name : names) {
        client.set(Option::host, name);
        if (client.key_recorded()) return name;
    }
    client.set(Option::host, otherwise);
    return otherwise;
}

tl::expected<void, Unknown> check_host_key(SshClient& client, const LoginTarget& target,
                                           const std::string& name, const SshOptions& options) {
    const auto key = client.presented();
    const auto place = place_of(target, name, options);
    if (revoked(client, name)) return tl::unexpected(host_key_revoked(target, key.fingerprint));
    switch (client.known()) {
        case SshClient::Known::good:
            return {};
        case SshClient::Known::changed:
            return tl::unexpected(host_key_mismatch(target, key.fingerprint, place));
        case SshClient::Known::unreadable:
            return tl::unexpected(session_failed(target, "known_hosts: " + client.error()));
        case SshClient::Known::unknown:
            break;
    }
    if (options.host_key_check == HostKeyCheck::strict)
        return tl::unexpected(host_key_unknown(target, key.fingerprint, key.type, place));
    if (!client.remember_key())
        return tl::unexpected(session_failed(target, "known_hosts cannot be written: " + client.error()));
    return {};
}

}  // namespace podroute
