// libssh's plain calls.
#include "hosts/ssh_client.h"

#include <libssh/libssh.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace podroute {
namespace {

struct FreeKey {
    void operator()(ssh_key key) const { ssh_key_free(key); }
};
using KeyHandle = std::unique_ptr<ssh_key_struct, FreeKey>;

KeyHandle presented_key(ssh_session session) {
    ssh_key key = nullptr;
    ssh_get_server_publickey(session, &key);
    return KeyHandle(key);
}

ssh_options_e libssh_option(SshClient::Option option) {
    constexpr std::array kOptions{SSH_OPTIONS_HOST,
                                  SSH_OPTIONS_USER,
                                  SSH_OPTIONS_PORT_STR,
                                  SSH_OPTIONS_ADD_IDENTITY,
                                  SSH_OPTIONS_PROXYCOMMAND,
                                  SSH_OPTIONS_KNOWNHOSTS,
                                  SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
                                  SSH_OPTIONS_CIPHERS_C_S,
                                  SSH_OPTIONS_KEY_EXCHANGE};
    return kOptions.at(static_cast<std::size_t>(option));
}

}  // namespace

SshClient::SshClient() : session_(ssh_new()) {
    // The configuration is read by us, for several names.
    const int no = 0;
    ssh_options_set(raw(), SSH_OPTIONS_PROCESS_CONFIG, &no);
}

void SshClient::Free::operator()(ssh_session_struct* session) const {
    ssh_free(session);
}

void SshClient::set(Option option, const std::string& value) {
    ssh_options_set(raw(), libssh_option(option), value.c_str());
    if (option == Option::ciphers) ssh_options_set(raw(), SSH_OPTIONS_CIPHERS_S_C, value.c_str());
}

std::string SshClient::get(Option option) const {
    if (option == Option::port) {
        unsigned port = 22;
        ssh_options_get_port(raw(), &port);
        return std::to_string(port);
    }
    char* text = nullptr;
    const auto which = option == Option::identity ? SSH_OPTIONS_IDENTITY : libssh_option(option);
    if (ssh_options_get(raw(), which, &text) != SSH_OK || text == nullptr) return {};
    std::string out = text;
    ssh_string_free_char(text);
    return out;
}

void SshClient::read_config(const std::string& file) {
    ssh_options_parse_config(raw(), file.empty() ? nullptr : file.c_str());
}

bool SshClient::key_recorded() const {
    return ssh_session_has_known_hosts_entry(raw()) == SSH_KNOWN_HOSTS_OK;
}

SshClient::Key SshClient::presented() const {
    const auto key = presented_key(raw());
    unsigned char* hash = nullptr;
    std::size_t size = 0;
    if (!key || ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != 0)
        return {"?", "?"};
    char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
    ssh_clean_pubkey_hash(&hash);
    Key out{ssh_key_type_to_char(ssh_key_type(key.get())), text == nullptr ? "?" : text};
    ssh_string_free_char(text);
    // As ssh-keyscan -t and the names of the files in /etc/ssh have it.
    if (out.type.rfind("ssh-", 0) == 0) out.type.erase(0, 4);
    out.type = out.type.substr(0, out.type.find("-sha2"));
    return out;
}

SshClient::Known SshClient::known() const {
    switch (ssh_session_is_known_server(raw())) {
        case SSH_KNOWN_HOSTS_OK:
            return Known::good;
        case SSH_KNOWN_HOSTS_CHANGED:
        case SSH_KNOWN_HOSTS_OTHER:
            // The recorded type was asked for first: another type means that the host no longer has that key.
            return Known::changed;
        case SSH_KNOWN_HOSTS_UNKNOWN:
        case SSH_KNOWN_HOSTS_NOT_FOUND:
            return Known::unknown;
        case SSH_KNOWN_HOSTS_ERROR:
            break;
    }
    return Known::unreadable;
}

SshClient::Line SshClient::line_says(const std::string& name, const std::string& line) const {
    const auto key = presented_key(raw());
    ssh_knownhosts_entry* entry = nullptr;
    if (!key || ssh_known_hosts_parse_line(name.c_str(), line.c_str(), &entry) != SSH_OK)
        return Line::not_for_it;
    const bool same = ssh_key_cmp(entry->publickey, key.get(), SSH_KEY_CMP_PUBLIC) == 0;
    ssh_knownhosts_entry_free(entry);
    return same ? Line::same_key : Line::other_key;
}

bool SshClient::remember_key() {
    return ssh_session_update_known_hosts(raw()) == SSH_OK;
}

std::string SshClient::error() const {
    return ssh_get_error(raw());
}

std::string SshClient::offered_methods() const {
    const int methods = ssh_userauth_list(raw(), nullptr);
    std::string out;
    const std::array<std::pair<int, const char*>, 4> names{
        {{SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
         {SSH_AUTH_METHOD_PASSWORD, "password"},
         {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
         {SSH_AUTH_METHOD_HOSTBASED, "hostbased"}}};
    for (const auto& [bit, name] : names)
        if ((methods & bit) != 0) out += (out.empty() ? "" : ", ") + std::string(name);
    return out;
}

SshLibrary::SshLibrary() : old_pipe_(std::signal(SIGPIPE, SIG_IGN)) {
    ssh_init();
    rlimit descriptors{};
    // No more: some programs, such as a proxy may be, close every descriptor that they could have.
    constexpr rlim_t kEnough = 65536;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur < kEnough) {
        descriptors.rlim_cur = std::min(descriptors.rlim_max, kEnough);
        setrlimit(RLIMIT_NOFILE, &descriptors);
    }
}
SshLibrary::~SshLibrary() {
    ssh_finalize();
    std::signal(SIGPIPE, old_pipe_);
}

}  // namespace podroute
