// What known_hosts says of a host's key.
#include "hosts/host_key.h"

#include <algorithm>
#include <fstream>

#include "hosts/ssh_config.h"

namespace podroute {
namespace {

using Option = SshClient::Option;
constexpr std::string_view kRevoked = "@revoked";

// As known_hosts has a name at a port that is not ssh's own.
std::string entry_of(const LoginTarget& target, const std::string& name) {
    return target.port == 22 ? name : "[" + name + "]:" + std::to_string(target.port);
}

// Calls `use` with every line of a file, until it says true.
template <class F>
bool any_line(const std::string& file, F use) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (use(line)) return true;
    return false;
}

template <class F>
bool any_line(const SshClient& client, F use) {
    return any_line(client.get(Option::known_hosts), use) ||
           any_line(client.get(Option::global_known_hosts), use);
}

// libssh passes over lines that begin with a marker: revoked keys are looked for here.
bool revoked(const SshClient& client, const std::string& entry) {
    return any_line(client, [&](const std::string& line) {
        if (line.rfind(kRevoked, 0) != 0) return false;
        const auto start = line.find_first_not_of(" \t", kRevoked.size());
        return start != std::string::npos &&
               client.line_says(entry, line.substr(start)) == SshClient::Line::same_key;
    });
}

// As ssh does at a port of its own: a line without the port holds, too, if it has the very key.
bool known_without_port(const SshClient& client, const std::vector<std::string>& names) {
    return any_line(client, [&](const std::string& line) {
        return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return client.line_says(name, line) == SshClient::Line::same_key;
        });
    });
}

// A file as ssh-keygen(1) must be told of it: empty for the one that it takes by itself.
std::string file_to_name(const std::string& file) {
    return file == expanded_home("~/.ssh/known_hosts") ? "" : file;
}

// The names, each of the lines that hold another key, which together cover all such lines of a file.
void add_stale(const SshClient& client, const std::string& file, const std::vector<std::string>& entries,
               std::vector<KnownHostsPlace>& places) {
    std::vector<std::string> chosen;
    const auto is_for = [&](const std::string& line, const std::string& entry) {
        return client.line_says(entry, line) == SshClient::Line::other_key;
    };
    static_cast<void>(any_line(file, [&](const std::string& line) {
        for (const std::string& entry : chosen)
            if (is_for(line, entry)) return false;
        for (const std::string& entry : entries) {
            if (!is_for(line, entry)) continue;
            chosen.push_back(entry);
            break;
        }
        return false;
    }));
    for (const std::string& entry : chosen) places.push_back({entry, file_to_name(file)});
}

std::vector<KnownHostsPlace> stale_places(const SshClient& client, const std::vector<std::string>& entries) {
    std::vector<KnownHostsPlace> places;
    add_stale(client, client.get(Option::known_hosts), entries, places);
    add_stale(client, client.get(Option::global_known_hosts), entries, places);
    return places;
}

// The first is the one that ssh looks a host up by.
std::vector<std::string> lookup_names(const InventoryHost& host, const std::string& transport,
                                      const std::string& known_as) {
    std::vector<std::string> names{known_as};
    const auto add = [&](const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    add(host.name);
    add(host.fqdn);
    add(transport);
    for (const auto& name : names_of(host)) add(name);
    return names;
}

}  // namespace

std::vector<std::string> names_of(const InventoryHost& host) {
    std::vector<std::string> names{host.name, host.fqdn};
    for (const auto& a : host.addresses) names.push_back(a.to_string());
    return names;
}

KnownName choose_known_hosts_name(SshClient& client, const InventoryHost& host, const std::string& transport,
                                  const std::string& known_as) {
    KnownName known{known_as, lookup_names(host, transport, known_as)};
    for (const auto& name : known.all) {
        client.set(Option::host, name);
        if (!client.key_recorded()) continue;
        known.name = name;
        return known;
    }
    client.set(Option::host, known_as);
    return known;
}

tl::expected<void, Unknown> check_host_key(SshClient& client, const LoginTarget& target,
                                           const KnownName& known, const SshOptions& options) {
    const auto key = client.presented();
    const std::string entry = entry_of(target, known.name);
    if (revoked(client, entry)) return tl::unexpected(host_key_revoked(target, key.fingerprint, key.type));
    switch (client.known()) {
        case SshClient::Known::good:
            return {};
        case SshClient::Known::changed: {
            std::vector<std::string> entries{entry};
            for (const auto& name : known.all) entries.push_back(entry_of(target, name));
            return tl::unexpected(host_key_mismatch(target, key.fingerprint, stale_places(client, entries)));
        }
        case SshClient::Known::unreadable:
            return tl::unexpected(session_failed(target, "known_hosts: " + client.error()));
        case SshClient::Known::unknown:
            break;
    }
    if (target.port != 22 && known_without_port(client, known.all)) return {};
    if (options.host_key_check == HostKeyCheck::strict)
        return tl::unexpected(host_key_unknown(target, key.fingerprint, key.type,
                                               {entry, file_to_name(client.get(Option::known_hosts))}));
    if (!client.remember_key())
        return tl::unexpected(session_failed(target, "known_hosts cannot be written: " + client.error()));
    return {};
}

}  // namespace podroute
