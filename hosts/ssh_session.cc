// libssh, wrapped. Measured facts: a channel that is opened in blocking mode waits 40 ms for our own delayed
// ACK, so that opening and reading poll by hand with TCP_QUICKACK; libssh authenticates whatever the host key
// is, so that the key is checked first.
#include "hosts/ssh_session.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>
#include <vector>

#include "hosts/host_key.h"
#include "hosts/ssh_config.h"
#include "hosts/transport.h"

namespace podroute {
namespace {

constexpr int kPollSlice = 100;                 // ms
constexpr std::size_t kMaxErrorOutput = 16384;  // bytes kept of a command's standard error
constexpr std::size_t kWriteChunk = 65536;      // bytes
constexpr auto kStandstill = std::chrono::milliseconds(300);
constexpr std::uint32_t kMaxUnderway = 262144;  // bytes sent and not yet passed on to the command

void quick_ack(int fd) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

void wait_readable(int fd) {
    quick_ack(fd);
    pollfd p{fd, POLLIN, 0};
    poll(&p, 1, kPollSlice);
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

// "10 s", "0.2 s"
std::string seconds(Watchdog::Clock::duration time) {
    const auto whole = std::max(time, Watchdog::Clock::duration::zero());
    const auto tenths = std::chrono::round<std::chrono::duration<long, std::deci>>(whole).count();
    const std::string part = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
    return std::to_string(tenths / 10) + part + " s";
}

// Nothing is held where there is no semaphore.
class Slot {
  public:
    explicit Slot(std::counting_semaphore<>* slots) : slots_(slots) {
        if (slots_ != nullptr) slots_->acquire();
    }
    ~Slot() {
        if (slots_ != nullptr) slots_->release();
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

  private:
    std::counting_semaphore<>* slots_;
};

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

struct SshSession::Impl {
    // Order matters: the session ends before the guard, and that before the socket it watches.
    LoginTarget target;
    Transport transport;
    Watchdog::Guard guard;
    SshClient client;
    ssh_session session = nullptr;  // that of client, once it is connected
    ssh_channel channel = nullptr;
    std::string errors;
    std::uint32_t largest_window = 0;      // of the channel, in bytes
    Watchdog::Clock::duration patience{};  // what the guard gives at the most

    void close_channel() {
        largest_window = 0;
        if (channel != nullptr) ssh_channel_free(channel);
        channel = nullptr;
    }
    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        close_channel();
        if (session != nullptr) ssh_disconnect(session);
        // A proxy has to see the end of its input, whichever of the two descriptors libssh has left open.
        if (transport.fd() >= 0) shutdown(transport.fd(), SHUT_RDWR);
    }

    Unknown no_session(const std::stop_token& cancel);
    std::string end_of_proxy();
    int authenticate();  // SSH_AUTH_*

    std::string why_closed() const {
        return guard.fired() ? "the host did not answer in " + seconds(patience) : ssh_get_error(session);
    }
    tl::unexpected<Error> closed() { return failure("closed", printable(why_closed()), target.name); }
    void drain_errors() {
        std::array<char, 1024> buffer{};
        int n = 0;
        while ((n = ssh_channel_read_nonblocking(channel, buffer.data(), buffer.size(), 1)) > 0)
            errors.append(buffer.data(),
                          std::min(static_cast<std::size_t>(n),
                                   kMaxErrorOutput - std::min(kMaxErrorOutput, errors.size())));
    }
    // Waits until few enough bytes are on their way. What sshd cannot pass on it keeps in a buffer that it
    // copies whenever it grows: two megabytes at once cost it 15 ms. False when the channel is closed, or
    // when the command speaks and reads no more (libssh tells of the end only when its output was read).
    bool wait_for_window() {
        auto moved = Watchdog::Clock::now();
        for (std::uint32_t last = 0;;) {
            if (ssh_channel_is_closed(channel) != 0 || guard.fired()) return false;
            const auto open = ssh_channel_window_size(channel);
            largest_window = std::max(largest_window, open);
            if (largest_window - open < kMaxUnderway) return true;
            const auto now = Watchdog::Clock::now();
            if (std::exchange(last, open) != open) moved = now;
            // Takes what came, window adjustments among it; data stays for read().
            const int waiting = ssh_channel_poll(channel, 0);
            if (waiting < 0 || (waiting > 0 && now - moved > kStandstill)) return false;
            if (ssh_channel_window_size(channel) == open) wait_readable(transport.fd());
        }
    }
    // Calls a non-blocking libssh function until it no longer says "again".
    template <class F>
    int retry(F call) {
        int result = 0;
        while (again(result = call()) && !guard.fired()) wait_readable(transport.fd());
        return result;
    }
    static bool again(int result) {
        return result == static_cast<int>(SSH_AGAIN) || result == static_cast<int>(SSH_AUTH_AGAIN);
    }
};

SshSession::SshSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SshSession::SshSession(SshSession&&) noexcept = default;
SshSession& SshSession::operator=(SshSession&&) noexcept = default;
SshSession::~SshSession() = default;

const LoginTarget& SshSession::target() const {
    return impl_->target;
}

SshLibrary::SshLibrary() : old_pipe_(std::signal(SIGPIPE, SIG_IGN)) {
    ssh_init();
}
SshLibrary::~SshLibrary() {
    ssh_finalize();
    std::signal(SIGPIPE, old_pipe_);
}

std::string SshSession::Impl::end_of_proxy() {
    if (guard.fired()) return "let no word of its sshd through in time";
    const auto status = transport.proxy_end();
    if (!status) return "closed the connection";
    if (WIFSIGNALED(*status)) return "was ended by signal " + std::to_string(WTERMSIG(*status));
    return "ended with status " + std::to_string(WEXITSTATUS(*status));
}

Unknown SshSession::Impl::no_session(const std::stop_token& cancel) {
    if (cancel.stop_requested()) return cancelled();
    const auto said = printable(transport.proxy_output(), 300);
    if (proxy_says_unreachable(said)) return proxy_failed(target, said);
    if (target.proxied && ssh_get_serverbanner(session) == nullptr)
        return proxy_useless(target, end_of_proxy(), said);
    std::string why = why_closed();
    if (!said.empty()) why += " (the proxy says: " + said + ")";
    return session_failed(target, why);
}

int SshSession::Impl::authenticate() {
    // The first identity is nearly always the right one: to sign at once saves a question and its answer.
    ssh_key key = nullptr;
    const auto file = client.get(SshClient::Option::identity);
    if (ssh_pki_import_privkey_file(expanded_home(file).c_str(), "", nullptr, nullptr, &key) == SSH_OK) {
        const int result = retry([&] { return ssh_userauth_publickey(session, nullptr, key); });
        ssh_key_free(key);
        if (result != SSH_AUTH_DENIED) return result;
    }
    return retry([&] { return ssh_userauth_publickey_auto(session, nullptr, nullptr); });
}

tl::expected<SshSession, Unknown> SshSession::open(const InventoryHost& host, const SshOptions& options,
                                                   Watchdog& watchdog, std::counting_semaphore<>& proxied,
                                                   const std::stop_token& cancel) {
    auto [configured, login] = configure(host, options);
    const LoginTarget target = login.target;
    const Slot slot(target.proxied ? &proxied : nullptr);
    if (cancel.stop_requested()) return tl::unexpected(cancelled());
    auto transport = target.proxied ? connect_proxy(target, login.proxy_command)
                                    : connect_tcp(target, options.connect_timeout, cancel);
    if (!transport) return tl::unexpected(transport.error());

    auto impl = std::make_unique<Impl>();
    impl->target = target;
    impl->transport = std::move(*transport);
    impl->patience = options.connect_timeout;
    impl->guard = Watchdog::Guard(watchdog, impl->transport.fd(), Watchdog::Clock::now() + impl->patience);
    impl->client = std::move(configured);
    ssh_session session = impl->session = impl->client.raw();
    const auto name = choose_known_hosts_name(impl->client, host, target.transport, login.known_as);
    // libssh closes the socket that it is given.
    const socket_t fd = fcntl(impl->transport.fd(), F_DUPFD_CLOEXEC, 0);
    ssh_options_set(session, SSH_OPTIONS_FD, &fd);
    ssh_set_blocking(session, 0);
    if (impl->retry([&] { return ssh_connect(session); }) != SSH_OK)
        return tl::unexpected(impl->no_session(cancel));
    if (auto good = check_host_key(impl->client, target, name, options); !good)
        return tl::unexpected(good.error());
    if (impl->authenticate() != SSH_AUTH_SUCCESS) {
        if (cancel.stop_requested() || impl->guard.fired() || ssh_is_connected(session) == 0)
            return tl::unexpected(impl->no_session(cancel));
        return tl::unexpected(auth_failed(target, offered_methods(session)));
    }
    return SshSession(std::move(impl));
}

void SshSession::set_deadline(Watchdog::Clock::time_point deadline) {
    impl_->patience = deadline - Watchdog::Clock::now();
    impl_->guard.extend(deadline);
}

Result<void> SshSession::exec(const std::string& command) {
    impl_->close_channel();
    impl_->errors.clear();
    impl_->channel = ssh_channel_new(impl_->session);
    if (impl_->channel == nullptr) return impl_->closed();
    if (impl_->retry([&] { return ssh_channel_open_session(impl_->channel); }) != SSH_OK)
        return impl_->closed();
    if (impl_->retry([&] { return ssh_channel_request_exec(impl_->channel, command.c_str()); }) != SSH_OK)
        return impl_->closed();
    return {};
}

Result<void> SshSession::write(std::string_view bytes) {
    // A blocking write waits for the socket by itself; the watchdog bounds it.
    bool good = true;
    while (good && !bytes.empty()) {
        if (!impl_->wait_for_window()) return impl_->closed();
        ssh_set_blocking(impl_->session, 1);
        const auto chunk = static_cast<std::uint32_t>(std::min(bytes.size(), kWriteChunk));
        const int n = ssh_channel_write(impl_->channel, bytes.data(), chunk);
        ssh_set_blocking(impl_->session, 0);
        good = n > 0;
        if (good) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
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
        if (n == SSH_ERROR || impl_->guard.fired() || ssh_is_connected(impl_->session) == 0)
            return impl_->closed();
        // While errors were read, output may have come off the socket, which has nothing more to wait for
        // then.
        if (ssh_channel_poll(impl_->channel, 0) == 0) wait_readable(impl_->transport.fd());
    }
}

std::optional<std::chrono::microseconds> SshSession::round_trip() const {
    return impl_->transport.round_trip();
}

std::string SshSession::error_output() {
    impl_->drain_errors();
    return impl_->errors;
}

int SshSession::exit_status() {
    // It may come after the end of output.
    const auto until = Watchdog::Clock::now() + kStandstill;
    int status = -1;
    while ((status = ssh_channel_get_exit_status(impl_->channel)) < 0 && Watchdog::Clock::now() < until &&
           ssh_channel_is_closed(impl_->channel) == 0 && !impl_->guard.fired()) {
        wait_readable(impl_->transport.fd());
        static_cast<void>(ssh_channel_poll(impl_->channel, 0));
    }
    return status;
}

}  // namespace podroute
