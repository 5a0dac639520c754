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

constexpr int kPollSlice = 100;                     // ms
constexpr std::size_t kMaxErrorOutput = 16 * 1024;  // bytes kept of a command's standard error
constexpr std::size_t kWriteChunk = 64 * 1024;      // bytes
constexpr std::uint32_t kMaxUnderway = 256 * 1024;  // bytes sent and not yet passed on to the command

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

}  // namespace

namespace {

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
    // Order matters: the channel ends before the session, the guard before the socket it watches.
    LoginTarget target;
    Transport transport;
    Watchdog::Guard guard;
    SshHandle session;
    ssh_channel channel = nullptr;
    std::string errors;
    std::uint32_t largest_window = 0;  // of the channel, in bytes

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
        if (session) {
            ssh_disconnect(session.get());
            session.reset();
        }
    }

    Unknown no_session(const std::stop_token& cancel);
    int authenticate();  // SSH_AUTH_*

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
    // Waits until few enough bytes are on their way; false when the channel is closed. What sshd cannot pass
    // on it keeps in a buffer that it copies whenever it grows: two megabytes at once cost it 15 ms.
    bool wait_for_window() {
        for (;;) {
            if (ssh_channel_is_closed(channel) != 0 || guard.fired()) return false;
            const auto open = ssh_channel_window_size(channel);
            largest_window = std::max(largest_window, open);
            if (largest_window - open < kMaxUnderway) return true;
            wait_readable(transport.fd());
            // Takes what came, window adjustments among it; data stays for read().
            if (ssh_channel_poll(channel, 0) == SSH_ERROR) return false;
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

Unknown SshSession::Impl::no_session(const std::stop_token& cancel) {
    if (cancel.stop_requested()) return cancelled();
    const auto said = printable(transport.proxy_output(), 300);
    if (proxy_says_unreachable(said)) return proxy_failed(target, said);
    std::string why = guard.fired() ? "no answer in time" : ssh_get_error(session.get());
    if (!said.empty()) why += " (the proxy says: " + said + ")";
    return session_failed(target, why);
}

int SshSession::Impl::authenticate() {
    // The first identity is nearly always the right one: to sign at once saves a question and its answer.
    ssh_key key = nullptr;
    const auto file = ssh_option(session.get(), SSH_OPTIONS_IDENTITY);
    if (ssh_pki_import_privkey_file(expanded_home(file).c_str(), "", nullptr, nullptr, &key) == SSH_OK) {
        const int result = retry([&] { return ssh_userauth_publickey(session.get(), nullptr, key); });
        ssh_key_free(key);
        if (result != SSH_AUTH_DENIED) return result;
    }
    return retry([&] { return ssh_userauth_publickey_auto(session.get(), nullptr, nullptr); });
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
    impl->guard =
        Watchdog::Guard(watchdog, impl->transport.fd(), Watchdog::Clock::now() + options.connect_timeout);
    impl->session = std::move(configured);
    ssh_session session = impl->session.get();
    const auto name = choose_known_hosts_name(session, host, target.transport);
    // libssh closes the socket that it is given.
    const socket_t fd = fcntl(impl->transport.fd(), F_DUPFD_CLOEXEC, 0);
    ssh_options_set(session, SSH_OPTIONS_FD, &fd);
    ssh_set_blocking(session, 0);
    if (impl->retry([&] { return ssh_connect(session); }) != SSH_OK)
        return tl::unexpected(impl->no_session(cancel));
    if (auto good = check_host_key(session, target, name, options); !good)
        return tl::unexpected(good.error());
    if (impl->authenticate() != SSH_AUTH_SUCCESS) {
        if (cancel.stop_requested() || impl->guard.fired() || ssh_is_connected(session) == 0)
            return tl::unexpected(impl->no_session(cancel));
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
    // A blocking write waits for the socket by itself; the watchdog bounds it.
    bool good = true;
    while (good && !bytes.empty()) {
        if (!impl_->wait_for_window()) return impl_->closed();
        ssh_set_blocking(impl_->session.get(), 1);
        const auto chunk = static_cast<std::uint32_t>(std::min(bytes.size(), kWriteChunk));
        const int n = ssh_channel_write(impl_->channel, bytes.data(), chunk);
        ssh_set_blocking(impl_->session.get(), 0);
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
