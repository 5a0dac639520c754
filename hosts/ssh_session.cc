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
#include <utility>
#include <vector>

#include "hosts/host_key.h"
#include "hosts/ssh_client.h"
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
    // An empty passphrase, for without one the reader of an encrypted key asks for it at the terminal.
    return retry([&] { return ssh_userauth_publickey_auto(session, nullptr, ""); });
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
        return tl::unexpected(auth_failed(target, impl->client.offered_methods()));
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
