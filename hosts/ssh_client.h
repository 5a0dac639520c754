// libssh: the library, and a client's options, keys and known hosts. Only this file and ssh_session know it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct ssh_session_struct;

namespace podroute {

// libssh's session before and around the login, by plain values.
class SshClient {
  public:
    enum class Option : std::uint8_t {
        host,
        user,
        port,
        identity,  // set: one more, tried before the others; get: the first
        proxy_command,
        known_hosts,
        global_known_hosts,
        ciphers,
        key_exchange
    };
    SshClient();

    void set(Option option, const std::string& value);
    std::string get(Option option) const;  // empty where it is not set
    // Applies ssh_config(5) for the host that is set; of a HostName it makes the host. Empty: the user's and
    // the system's file.
    void read_config(const std::string& file);

    struct Key {
        std::string type;         // "ed25519", "rsa", "ecdsa"
        std::string fingerprint;  // "SHA256:.."
    };
    enum class Known : std::uint8_t { good, changed, unknown, unreadable };
    // Whether known_hosts has a key for the host that is set; before the key exchange.
    bool key_recorded() const;
    // After the key exchange: the key that was presented, and what known_hosts says of it.
    Key presented() const;
    Known known() const;
    // What a line of known_hosts says of the presented key: it is not for `name`, or has that key or another.
    enum class Line : std::uint8_t { not_for_it, same_key, other_key };
    Line line_says(const std::string& name, const std::string& line) const;
    bool remember_key();
    // The ways to log in that the host offers, as ssh(1) names them: "publickey, password".
    std::string offered_methods() const;
    std::string error() const;

    ssh_session_struct* raw() const { return session_.get(); }

  private:
    struct Free {
        void operator()(ssh_session_struct* session) const;
    };
    std::unique_ptr<ssh_session_struct, Free> session_;
};

// libssh, ready for threads, and SIGPIPE ignored while it lives: a lost host is an error, not the end of us.
// Descriptors for many hosts, up to 65,536: a host takes two, through a proxy four.
class SshLibrary {
  public:
    SshLibrary();
    ~SshLibrary();
    SshLibrary(const SshLibrary&) = delete;
    SshLibrary& operator=(const SshLibrary&) = delete;

  private:
    void (*old_pipe_)(int);
};

}  // namespace podroute
