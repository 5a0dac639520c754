// Bootstrap over one channel, then the wire.
#include "hosts/ssh_link.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace podroute {
namespace {

using Clock = Watchdog::Clock;

constexpr std::size_t kMaxChatter = 65536;  // bytes a login shell may print before our script speaks
constexpr auto kBootstrapTime = std::chrono::seconds(30);
// A host that is nearer than this takes bytes faster than its gzip unpacks them: 7 ms of processor for the
// agent.
constexpr auto kNear = std::chrono::milliseconds(1);
constexpr auto kFarewellTime = std::chrono::seconds(2);

class SshLink final : public HostLink {
  public:
    SshLink(SshSession session, std::string rest) : session_(std::move(session)), buffer_(std::move(rest)) {}
    // Waits for the agent's end, so that nothing of it is left on the host when the run is over. (It would
    // end at the end of its input, whatever is done here.)
    ~SshLink() override {
        if (dead_) return;
        session_.set_deadline(Clock::now() + kFarewellTime);
        if (!session_.write(encode(Request{Bye{}}))) return;
        for (auto more = session_.read(); more && !more->empty(); more = session_.read()) continue;
    }
    SshLink(const SshLink&) = delete;
    SshLink& operator=(const SshLink&) = delete;

    Result<Reply> call(const Request& request, Deadline deadline) override {
        if (dead_) return tl::unexpected(*dead_);
        session_.set_deadline(deadline);
        if (auto sent = session_.write(encode(request)); !sent) return died(sent.error());
        return receive();
    }

    std::string login_user() const override { return session_.target().user; }

    // The next reply of the agent, by the deadline of the session.
    Result<Reply> receive() {
        if (auto got = fill(4); !got) return died(got.error());
        const auto length = message_length(buffer_);
        if (!length) return died(length.error());
        if (auto got = fill(4 + *length); !got) return died(got.error());
        auto reply = decode_reply(std::string_view(buffer_).substr(4, *length));
        if (!reply) return died(reply.error());
        buffer_.erase(0, 4 + *length);
        // No deadline runs while nothing is asked.
        session_.set_deadline(Clock::time_point::max());
        return reply;
    }

  private:
    Result<void> fill(std::size_t wanted) {
        while (buffer_.size() < wanted) {
            auto more = session_.read();
            if (!more) return tl::unexpected(more.error());
            if (more->empty()) return failure("closed", ending(session_.exit_status()));
            buffer_ += *more;
        }
        return {};
    }

    static std::string ending(int status) {
        // The script's status: a shell says 128 + N of a program that signal N killed.
        if (status > 128) return "the agent was killed by signal " + std::to_string(status - 128);
        if (status > 0) return "the agent ended with status " + std::to_string(status);
        return "the agent ended";
    }

    tl::unexpected<Error> died(const Error& error) {
        std::string text = error.text;
        if (const auto errors = printable(session_.error_output()); !errors.empty()) text += ": " + errors;
        dead_ = Error{"agent-failed", text, session_.target().name};
        return tl::unexpected(*dead_);
    }

    SshSession session_;
    std::string buffer_;
    std::optional<Error> dead_;  // why the agent is gone: the answer to whatever is asked after that
};

class Bootstrap {
  public:
    Bootstrap(SshSession session, const LoginContext& context)
        : session_(std::move(session)), context_(context) {}

    tl::expected<std::unique_ptr<HostLink>, Unknown> run() {
        session_.set_deadline(Clock::now() +
                              std::max<Clock::duration>(kBootstrapTime, context_.options.connect_timeout));
        auto directories = default_directories();
        for (;;) {
            auto failed = start(directories);
            if (!failed) failed = knock();
            if (!failed) return greet();
            // Only the directories after the one that did not do are worth another upload.
            const bool more = failed->try_elsewhere && !tried_.empty() && drop_tried(directories);
            if (!more) return tl::unexpected(failed->unknown);
        }
    }

    struct Failed {
        Unknown unknown;
        bool try_elsewhere = false;
    };

    bool drop_tried(std::vector<std::string>& directories) const {
        auto at = std::find(directories.begin(), directories.end(), tried_);
        if (at == directories.end()) at = directories.end() - 1;  // the home directory, by its real name
        directories.erase(directories.begin(), at + 1);
        return !directories.empty();
    }

    std::string on_host(const std::string& command) const {
        return ssh_command(session_.target()) + " " + command;
    }

    std::optional<Failed> lost(const Error& error) {
        if (context_.cancel.stop_requested()) return Failed{cancelled()};
        std::string why = error.text;
        if (const auto errors = printable(session_.error_output()); !errors.empty()) why = errors;
        return Failed{agent_failed(session_.target(), why, on_host("true"))};
    }

    // Reads until the script's next line.
    tl::expected<BootstrapLine, Failed> line() {
        for (;;) {
            if (auto l = next_line(buffer_, context_.nonce)) return *l;
            if (const auto user = login_as_other_user(buffer_ + session_.error_output()); !user.empty())
                return tl::unexpected(Failed{wrong_user(session_.target(), user)});
            auto more = session_.read();
            if (!more) return tl::unexpected(*lost(more.error()));
            if (more->empty()) return tl::unexpected(ended());
            buffer_ += *more;
            if (buffer_.size() > kMaxChatter)
                return tl::unexpected(
                    Failed{agent_failed(session_.target(),
                                        "the login shell prints without end: see the shell start files of " +
                                            session_.target().user,
                                        on_host("true | head"))});
        }
    }

    Failed ended() {
        const std::string all = buffer_ + session_.error_output();
        if (const auto user = login_as_other_user(all); !user.empty())
            return {wrong_user(session_.target(), user)};
        std::string why = "its shell ended at once";
        if (const auto said = printable(all); !said.empty()) why += " and said: " + said;
        return {agent_failed(session_.target(), why, on_host("true"))};
    }

    std::optional<Failed> start(const std::vector<std::string>& directories) {
        buffer_ = "\n";  // the marker may be the very first thing
        tried_.clear();
        const auto& image = context_.image;
        const auto round_trip = session_.round_trip();
        const bool near = round_trip && *round_trip < kNear;
        const BootstrapOptions options{context_.nonce,        directories,
                                       image.bytes.size(),    context_.image_cksum,
                                       context_.options.sudo, near ? 0 : image.compressed.size()};
        if (auto opened = session_.exec(bootstrap_command(options)); !opened) {
            // Logged in, but no channel: that is sshd's refusal, not the agent's.
            if (context_.cancel.stop_requested()) return Failed{cancelled()};
            return Failed{session_failed(session_.target(), opened.error().text)};
        }
        auto ready = line();
        if (!ready) return ready.error();
        if (ready->word == "ready") {
            const auto machine = ready->rest.substr(0, ready->rest.find(' '));
            if (machine != image.machine)
                return Failed{agent_failed(session_.target(),
                                           "its processor is " + printable(machine, 40) +
                                               ", and this podroute carries an agent for " + image.machine)};
            const bool unpacks = options.compressed_size != 0 && ready->rest == machine + " gzip";
            const auto bytes = unpacks ? image.compressed : image.bytes;
            // A full disk ends the reader; the script's line says so better than the broken write.
            const auto sent = session_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            ready = line();
            if (!ready) return !sent ? lost(sent.error()) : std::optional(ready.error());
        }
        if (ready->word == "run") return std::nullopt;
        return refused(*ready);
    }

    Failed refused(const BootstrapLine& line) {
        auto failure_text = explain_failure(line.rest);
        const auto space = line.rest.find(' ');
        if (space != std::string::npos) tried_ = line.rest.substr(space + 1);
        // Only root remounts and makes room.
        const std::string& user = session_.target().user;
        const std::string sudo = user == "root" ? "" : "sudo ";
        std::string help = failure_text.help.empty() ? "" : on_host(sudo + printable(failure_text.help));
        // The directory is the host's word.
        if (failure_text.try_elsewhere && shell_quoted(tried_) != tried_) help.clear();
        if (line.rest == "sudo")
            help = "ssh -t" + on_host("\"echo '" + user +
                                      " ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/podroute\"")
                                  .substr(3);
        return {agent_failed(session_.target(), printable(failure_text.why, 400), help),
                failure_text.try_elsewhere};
    }

    // Says hello and looks whether it is the agent that answers: a line of the script in its place tells that
    // the agent could not be executed.
    std::optional<Failed> knock() {
        Hello hello;
        hello.nonce = context_.nonce;
        // Who is here early waits for those that do not answer, a few of them one behind the other.
        hello.deadline_ms =
            600'000 + 12 * static_cast<std::uint32_t>(context_.options.connect_timeout.count());
        hello.heartbeat_ms = 30'000;
        const auto sent = session_.write(encode(Request{hello}));
        while (buffer_.empty()) {
            auto more = session_.read();
            if (!more) return lost(more.error());
            if (more->empty()) return sent ? ended() : *lost(sent.error());
            buffer_ += *more;
        }
        if (buffer_.front() != '\n') return std::nullopt;
        auto said = line();
        return said ? refused(*said) : said.error();
    }

    tl::expected<std::unique_ptr<HostLink>, Unknown> greet() {
        const LoginTarget target = session_.target();
        auto link = std::make_unique<SshLink>(std::move(session_), std::move(buffer_));
        auto reply = link->receive();
        if (!reply) return tl::unexpected(agent_failed(target, reply.error().text));
        const auto* greeting = std::get_if<HelloReply>(&*reply);
        if (greeting == nullptr || greeting->nonce != context_.nonce || greeting->version != kWireVersion)
            return tl::unexpected(agent_failed(target, "it does not speak this podroute's wire version"));
        return link;
    }

    SshSession session_;
    const LoginContext& context_;
    std::string buffer_, tried_;
};

}  // namespace

tl::expected<std::unique_ptr<HostLink>, Unknown> open_ssh_link(const InventoryHost& host,
                                                               const LoginContext& context) {
    context.jobs.acquire();
    const struct Release {
        std::counting_semaphore<>& jobs;
        ~Release() { jobs.release(); }
    } release{context.jobs};
    if (context.cancel.stop_requested()) return tl::unexpected(cancelled());
    auto session = SshSession::open(host, context.options, context.watchdog, context.proxied, context.cancel);
    if (!session) return tl::unexpected(session.error());
    return Bootstrap(std::move(*session), context).run();
}

}  // namespace podroute
