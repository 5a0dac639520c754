// One fixer per host: who holds an abstract unix socket (unix(7)) in the host's network namespace. The kernel
// lets it go with its process. Whoever connects is told who holds it, in one line: "PID RUN STARTED AGENT".
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/descriptor.h"
#include "model/result.h"

namespace podroute::agent {

inline constexpr std::string_view kFixerSocket = "podroute-fixer";

struct Holder {
    pid_t pid = 0;        // of the watchdog
    std::string run;      // id of the run, empty where the holder does not say
    std::string started;  // RFC 3339
    pid_t agent = 0;      // whose requests it takes
    uid_t user = 0;       // as the kernel says
};

// The line with its end. Reading is of hostile bytes: nothing where it is none.
std::string to_line(const Holder& holder);
std::optional<Holder> parse_line(std::string_view line);

// A listening socket under that name. Errors: "fixer-busy" if another holds it, "fixer".
Result<Descriptor> hold_fixer();

struct Contact {
    Descriptor socket;
    Holder holder;
};
// Connects to the holder and reads its line for at most `patience`. Nothing if there is none. A holder that
// is not root or says nothing is one all the same. Errors: "fixer".
Result<std::optional<Contact>> contact_fixer(std::chrono::milliseconds patience);

// User and process at the other end, as the kernel says (SO_PEERCRED).
struct Peer {
    pid_t pid = 0;
    uid_t user = 0;
};
std::optional<Peer> peer_of(int socket);

// "fixer-busy", and who is it.
Error busy(const Holder& holder);

}  // namespace podroute::agent
