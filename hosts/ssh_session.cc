// libssh, wrapped. Measured facts: a channel that is opened in blocking mode waits 40 ms for our own delayed
// ACK, so that opening and reading poll by hand with TCP_QUICKACK; libssh authenticates whatever the host key
// is, so that the key is checked first.
#include "hosts/ssh_session.h"

#include <libssh/libssh.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "hosts/transport.h"

namespace podroute {
namespace {

constexpr int kPollSlice = 100;                     // ms
constexpr std::size_t kMaxErrorOutput = 16 * 1024;  // bytes kept of a command's standard error
constexpr std::size_t kWriteChunk = 128 * 1024;     // bytes

struct FreeSession {
    void operator()(ssh_session s) const { ssh_free(s); }
};
using Session = std::unique_ptr<ssh_session_struct, FreeSession>;

std::string take(char* text) {
    std::string out = text == nullptr ? "" : text;
    ssh_string_free_char(text);
    return out;
}

std::string option(ssh_session s, ssh_options_e which) {
    char* text = nullptr;
    if (ssh_options_get(s, which, &text) != SSH_OK) return {};
    return take(text);
}

void quick_ack(int fd) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

void wait_readable(int fd) {
    quick_ack(fd);
    pollfd p{fd, POLLIN, 0};
    poll(&p, 1, kPollSlice);
}

// The names under which a host may stand in ssh_config and known_hosts, as a person would type them.
std::vector<std::string> names_of(const InventoryHost& host) {
    std::vector<std::string> names{host.name, host.fqdn};
    for (const auto& a : host.addresses) names.push_back(a.to_string());
    return names;
}

// ProxyJump becomes a plain `ssh -W`, which must read the same configuration file as we do.
std::string proxy_with_config(std::string command, const std::string& config) {
    constexpr std::string_view kJump = "ssh ";
    if (config.empty() || command.find(" -W ") == std::string::npos || command.rfind(kJump, 0) != 0)
        return command;
    std::string quoted = "'";
    for (const char c : config) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return "ssh -F " + quoted + "' " + command.substr(kJump.size());
}

struct Configured {
    Session session;
    ResolvedLogin login;
};

// ssh_config is read for the name, the FQDN and the addresses in turn; as in ssh, the first value of an
// option wins.
Configured configure(const InventoryHost& host, const SshOptions& options) {
    Session session(ssh_new());
    ResolvedLogin login;
    const int no_process = 0;
    ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &no_process);
    // What the command line says is set first, so that the configuration cannot override it.
    if (!options.user.empty()) ssh_options_set(session.get(), SSH_OPTIONS_USER, options.user.c_str());
    for (const auto& name : names_of(host)) {
        ssh_options_set(session.get(), SSH_OPTIONS_HOST, name.c_str());
        ssh_options_parse_config(session.get(), options.config.empty() ? nullptr : options.config.c_str());
        const auto resolved = option(session.get(), SSH_OPTIONS_HOST);
        if (login.target.transport.empty() && resolved != name) login.target.transport = resolved;
    }
    if (login.target.transport.empty()) login.target.transport = host.addresses.front().to_string();
    ssh_options_set(session.get(), SSH_OPTIONS_HOST, login.target.transport.c_str());
    login.target.name = host.name;
    login.target.user = options.user.empty() ? option(session.get(), SSH_OPTIONS_USER) : options.user;
    unsigned port = options.port;
    if (port == 0) ssh_options_get_port(session.get(), &port);
    login.target.port = port == 0 ? 22 : port;
    login.proxy_command = proxy_with_config(option(session.get(), SSH_OPTIONS_PROXYCOMMAND), options.config);
    if (login.target.user.empty()) login.target.user = "root";
    ssh_options_set(session.get(), SSH_OPTIONS_USER, login.target.user.c_str());
    ssh_options_set(session.get(), SSH_OPTIONS_PORT, &login.target.port);
    for (const auto& identity : options.identities)
        ssh_options_set(session.get(), SSH_OPTIONS_ADD_IDENTITY, identity.c_str());
    if (!options.known_hosts.empty())
        ssh_options_set(session.get(), SSH_OPTIONS_KNOWNHOSTS, options.known_hosts.c_str());
    return {std::move(session), std::move(login)};
}

// The name under which the host's key is known; libssh then asks the host for a key of the type that is
// recorded.
std::string known_hosts_name(ssh_session session, const InventoryHost& host, const std::string& transport) {
    auto names = names_of(host);
    names.insert(names.begin() + 2, transport);
    for (const auto& name : names) {
        ssh_options_set(session, SSH_OPTIONS_HOST, name.c_str());
        if (ssh_session_has_known_hosts_entry(session) == SSH_KNOWN_HOSTS_OK) return name;
    }
    ssh_options_set(session, SSH_OPTIONS_HOST, host.name.c_str());
    return host.name;
}

struct Presented {
    std::string fingerprint, type;
};

Presented presented_key(ssh_session session) {
    ssh_key key = nullptr;
    if (ssh_get_server_publickey(session, &key) != SSH_OK) return {"of no readable kind", "?"};
    Presented out;
    out.type = ssh_key_type_to_char(ssh_key_type(key));
    unsigned char* hash = nullptr;
    std::size_t size = 0;
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == 0) {
        out.fingerprint = take(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
        ssh_clean_pubkey_hash(&hash);
    }
    ssh_key_free(key);
    return out;
}

tl::expected<void, Unknown> check_host_key(ssh_session session, const LoginTarget& target,
                                           const std::string& name, HostKeyCheck check) {
    switch (ssh_session_is_known_server(session)) {
        case SSH_KNOWN_HOSTS_OK:
            return {};
        case SSH_KNOWN_HOSTS_CHANGED:
        case SSH_KNOWN_HOSTS_OTHER:
            // The recorded type was asked for first, so that another type means that the host no longer has
            // that key.
            return tl::unexpected(host_key_mismatch(target, presented_key(session).fingerprint, name));
        case SSH_KNOWN_HOSTS_UNKNOWN:
        case SSH_KNOWN_HOSTS_NOT_FOUND:
            break;
        case SSH_KNOWN_HOSTS_ERROR:
            return tl::unexpected(
                session_failed(target, std::string("known_hosts: ") + ssh_get_error(session)));
    }
    const auto key = presented_key(session);
    if (check == HostKeyCheck::strict)
        return tl::unexpected(host_key_unknown(target, key.fingerprint, key.type));
    if (ssh_session_update_known_hosts(session) != SSH_OK)
        return tl::unexpected(
            session_failed(target, std::string("known_hosts cannot be written: ") + ssh_get_error(session)));
    return {};
}

std::string offered_methods(ssh_session session) {
    const int methods = ssh_userauth_list(session, nullptr);
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

}  // namespace

struct SshSession::Impl {
    // Order matters: the channel ends before the session, the guard before the socket it watches.
    LoginTarget target;
    Transport transport;
    Watchdog::Guard guard;
    Session session;
    ssh_channel channel = nullptr;
    std::string errors;

    void close_channel() {
        if (channel != nullptr) ssh_channel_free(channel);
        channel = nullptr;
    }
    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        close_channel();
        if (session) {
            ssh_disconnect(session.get());
            session.reset();
        }
    }

    tl::unexpected<Error> closed() {
        return failure("closed",
                       guard.fired() ? "no answer in time" : printable(ssh_get_error(session.get())),
                       target.name);
    }
    void drain_errors() {
        std::array<char, 1024> buffer{};
        int n = 0;
        while ((n = ssh_channel_read_nonblocking(channel, buffer.data(), buffer.size(), 1)) > 0)
            errors.append(buffer.data(),
                          std::min(static_cast<std::size_t>(n),
                                   kMaxErrorOutput - std::min(kMaxErrorOutput, errors.size())));
    }
    // Calls a non-blocking libssh function until it no longer says "again".
    template <class F>
    int retry(F call) {
        int result = 0;
        while ((result = call()) == SSH_AGAIN && !guard.fired()) wait_readable(transport.fd());
        return result;
    }
};

ResolvedLogin resolve_login(const InventoryHost& host, const SshOptions& options) {
    return configure(host, options).login;
}

SshSession::SshSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SshSession::SshSession(SshSession&&) noexcept = default;
SshSession& SshSession::operator=(SshSession&&) noexcept = default;
SshSession::~SshSession() = default;

const LoginTarget& SshSession::target() const {
    return impl_->target;
}

tl::expected<SshSession, Unknown> SshSession::open(const InventoryHost& host, const SshOptions& options,
                                                   Watchdog& watchdog, const std::stop_token& cancel) {
    auto [configured, login] = configure(host, options);
    const LoginTarget target = login.target;
    auto transport = login.proxy_command.empty() ? connect_tcp(target, options.connect_timeout, cancel)
                                                 : connect_proxy(target, login.proxy_command);
    if (!transport) return tl::unexpected(transport.error());

    auto impl = std::make_unique<Impl>();
    impl->target = target;
    impl->transport = std::move(*transport);
    impl->guard =
        Watchdog::Guard(watchdog, impl->transport.fd(), Watchdog::Clock::now() + options.connect_timeout);
    impl->session = std::move(configured);
    ssh_session session = impl->session.get();
    const auto name = known_hosts_name(session, host, target.transport);
    // libssh closes the socket that it is given.
    const socket_t fd = dup(impl->transport.fd());
    ssh_options_set(session, SSH_OPTIONS_FD, &fd);
    const long seconds = std::max<long>(1, options.connect_timeout.count() / 1000);
    ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &seconds);
    ssh_set_blocking(session, 0);
    if (impl->retry([&] { return ssh_connect(session); }) != SSH_OK) {
        if (cancel.stop_requested()) return tl::unexpected(cancelled());
        return tl::unexpected(
            session_failed(target, impl->guard.fired() ? "no answer in time" : ssh_get_error(session)));
    }
    if (auto good = check_host_key(session, target, name, options.host_key_check); !good)
        return tl::unexpected(good.error());
    int auth = 0;
    while ((auth = ssh_userauth_publickey_auto(session, nullptr, nullptr)) == SSH_AUTH_AGAIN &&
           !impl->guard.fired())
        wait_readable(impl->transport.fd());
    if (auth != SSH_AUTH_SUCCESS) {
        if (cancel.stop_requested()) return tl::unexpected(cancelled());
        if (impl->guard.fired() || ssh_is_connected(session) == 0)
            return tl::unexpected(
                session_failed(target, impl->guard.fired() ? "no answer in time" : ssh_get_error(session)));
        return tl::unexpected(auth_failed(target, offered_methods(session)));
    }
    return SshSession(std::move(impl));
}

void SshSession::set_deadline(Watchdog::Clock::time_point deadline) {
    impl_->guard.extend(deadline);
}

Result<void> SshSession::exec(const std::string& command) {
    impl_->close_channel();
    impl_->errors.clear();
    impl_->channel = ssh_channel_new(impl_->session.get());
    if (impl_->channel == nullptr) return impl_->closed();
    if (impl_->retry([&] { return ssh_channel_open_session(impl_->channel); }) != SSH_OK)
        return impl_->closed();
    if (impl_->retry([&] { return ssh_channel_request_exec(impl_->channel, command.c_str()); }) != SSH_OK)
        return impl_->closed();
    return {};
}

Result<void> SshSession::write(std::string_view bytes) {
    // A blocking write waits for the channel's window by itself; the watchdog bounds it.
    ssh_set_blocking(impl_->session.get(), 1);
    bool good = true;
    while (good && !bytes.empty()) {
        const auto chunk = static_cast<std::uint32_t>(std::min(bytes.size(), kWriteChunk));
        const int n = ssh_channel_write(impl_->channel, bytes.data(), chunk);
        good = n > 0;
        if (good) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    ssh_set_blocking(impl_->session.get(), 0);
    if (!good) return impl_->closed();
    return {};
}

Result<std::string> SshSession::read() {
    std::string buffer(65536, '\0');
    for (;;) {
        const int n = ssh_channel_read_nonblocking(impl_->channel, buffer.data(),
                                                   static_cast<std::uint32_t>(buffer.size()), 0);
        if (n > 0) {
            buffer.resize(static_cast<std::size_t>(n));
            return buffer;
        }
        impl_->drain_errors();
        if (n == SSH_EOF || ssh_channel_is_eof(impl_->channel) != 0) return std::string();
        if (n == SSH_ERROR || impl_->guard.fired() || ssh_is_connected(impl_->session.get()) == 0)
            return impl_->closed();
        wait_readable(impl_->transport.fd());
    }
}

std::string SshSession::error_output() {
    impl_->drain_errors();
    return impl_->errors;
}

int SshSession::exit_status() {
    return ssh_channel_get_exit_status(impl_->channel);
}

}  // namespace podroute
