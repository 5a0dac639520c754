// The sessions of one run: a login and an agent a host, open until the run ends.
#pragma once

#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>

#include "cli/options.h"
#include "hosts/fleet.h"
#include "model/snapshot.h"
#include "probes/pcapng.h"

namespace podroute::cli {

// A run with an id of its own, begun now.
RunInfo new_run(const std::string& machines);

// What commands in reports need to know of it.
Login login_of(const SshSettings& settings);

// The first error of the ssh_config files that count (of --ssh-config, else the user's and the system's).
Result<void> check_ssh_configs(const SshSettings& settings);

// Says on stderr, under --verbose, what became of each host and when. Once a process.
void set_up_log(bool verbose);

// Threads: use from one thread.
class Session {
  public:
    // `captures` gets the frames that observe() catches; null: nobody does. It must outlive the session.
    Session(const Inventory& inventory, const SshSettings& ssh, const OutputOptions& output,
            const std::stop_token& cancel, PcapNg* captures = nullptr);
    ~Session();  // ends the sessions
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Fleet& fleet();
    // What the terminal says is going on until the next observation.
    void phase(const std::string& name);
    // Reads every host and asks what the probers want to know. May be called again.
    Snapshot observe(Snapshot start);
    // As observe(), facts only.
    Snapshot read(Snapshot start);

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace podroute::cli
