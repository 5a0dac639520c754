// Host keys, through libssh.
#include "hosts/host_key.h"

#include <libssh/libssh.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace podroute {
namespace {

constexpr std::string_view kRevoked = "@revoked";

struct FreeKey {
    void operator()(ssh_key key) const { ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

Key presented_key(ssh_session session) {
    ssh_key key = nullptr;
    ssh_get_server_publickey(session, &key);
    return Key(key);
}

std::string fingerprint(const Key& key) {
    unsigned char* hash = nullptr;
    std::size_t size = 0;
    if (!key || ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != 0) return "?";
    char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
    ssh_clean_pubkey_hash(&hash);
    std::string out = text == nullptr ? "?" : text;
    ssh_string_free_char(text);
    return out;
}

// "ed25519", as ssh-keyscan -t and the names of the files in /etc/ssh have it.
std::string type_name(const Key& key) {
    if (!key) return "?";
    std::string name = ssh_key_type_to_char(ssh_key_type(key.get()));
    if (name.rfind("ssh-", 0) == 0) name.erase(0, 4);
    return name.substr(0, name.find("-sha2"));
}

std::string known_hosts_file(ssh_session session, ssh_options_e which) {
    char* text = nullptr;
    if (ssh_options_get(session, which, &text) != SSH_OK || text == nullptr) return {};
    std::string out = text;
    ssh_string_free_char(text);
    return out;
}

// libssh passes over lines that begin with a marker: revoked keys are looked for here.
bool revoked_in(const std::string& file, const std::string& name, const Key& key) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
        if (line.rfind(kRevoked, 0) != 0) continue;
        const auto start = line.find_first_not_of(" \t", kRevoked.size());
        if (start == std::string::npos) continue;
        ssh_knownhosts_entry* entry = nullptr;
        if (ssh_known_hosts_parse_line(name.c_str(), line.c_str() + start, &entry) != SSH_OK) continue;
        const bool same = ssh_key_cmp(entry->publickey, key.get(), SSH_KEY_CMP_PUBLIC) == 0;
        ssh_knownhosts_entry_free(entry);
        if (same) return true;
    }
    return false;
}

bool revoked(ssh_session session, const std::string& name, const Key& key) {
    return key && (revoked_in(known_hosts_file(session, SSH_OPTIONS_KNOWNHOSTS), name, key) ||
                   revoked_in(known_hosts_file(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS), name, key));
}

// Where a person would add or remove the key.
KnownHostsPlace place_of(const LoginTarget& target, const std::string& name, const SshOptions& options) {
    const std::string key = target.port == 22 ? name : "[" + name + "]:" + std::to_string(target.port);
    return {key, options.known_hosts};
}

}  // namespace

std::vector<std::string> names_of(const InventoryHost& host) {
    std::vector<std::string> names{host.name, host.fqdn};
    for (const auto& a : host.addresses) names.push_back(a.to_string());
    return names;
}

std::string choose_known_hosts_name(ssh_session session, const InventoryHost& host,
                                    const std::string& transport) {
    auto names = names_of(host);
    names.insert(names.begin() + 2, transport);
    for (const auto& name : names) {
        ssh_options_set(session, SSH_OPTIONS_HOST, name.c_str());
        if (ssh_session_has_known_hosts_entry(session) == SSH_KNOWN_HOSTS_OK) return name;
    }
    ssh_options_set(session, SSH_OPTIONS_HOST, host.name.c_str());
    return host.name;
}

tl::expected<void, Unknown> check_host_key(ssh_session session, const LoginTarget& target,
                                           const std::string& name, const SshOptions& options) {
    const auto key = presented_key(session);
    const auto place = place_of(target, name, options);
    if (revoked(session, name, key)) return tl::unexpected(host_key_revoked(target, fingerprint(key)));
    switch (ssh_session_is_known_server(session)) {
        case SSH_KNOWN_HOSTS_OK:
            return {};
        case SSH_KNOWN_HOSTS_CHANGED:
        case SSH_KNOWN_HOSTS_OTHER:
            // The recorded type was asked for first: another type means that the host no longer has that key.
            return tl::unexpected(host_key_mismatch(target, fingerprint(key), place));
        case SSH_KNOWN_HOSTS_ERROR:
            return tl::unexpected(
                session_failed(target, std::string("known_hosts: ") + ssh_get_error(session)));
        case SSH_KNOWN_HOSTS_UNKNOWN:
        case SSH_KNOWN_HOSTS_NOT_FOUND:
            break;
    }
    if (options.host_key_check == HostKeyCheck::strict)
        return tl::unexpected(host_key_unknown(target, fingerprint(key), type_name(key), place));
    if (ssh_session_update_known_hosts(session) != SSH_OK)
        return tl::unexpected(
            session_failed(target, std::string("known_hosts cannot be written: ") + ssh_get_error(session)));
    return {};
}

}  // namespace podroute
