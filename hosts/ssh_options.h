// How hosts are logged in to. Whatever is empty comes from ssh_config(5), then from ssh's own defaults.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace podroute {

enum class HostKeyCheck : std::uint8_t { strict, accept_new };

struct SshOptions {
    std::string user;                     // empty: ssh_config's User, else root
    unsigned port = 0;                    // 0: ssh_config's Port, else 22
    std::vector<std::string> identities;  // private key files, tried before ssh_config's
    std::string config;                   // empty: ~/.ssh/config and /etc/ssh/ssh_config
    std::string known_hosts;              // empty: ssh_config's UserKnownHostsFile, else ~/.ssh/known_hosts
    HostKeyCheck host_key_check = HostKeyCheck::strict;
    bool sudo = false;  // start the agent by `sudo -n`
    std::chrono::milliseconds connect_timeout{
        10'000};        // TCP connect, and again key exchange with authentication
    unsigned jobs = 0;  // logins at once; 0: kDefaultJobs
};

// Measured on two cores: more only queue at the processor, fewer leave it idle while the network answers.
inline constexpr unsigned kDefaultJobs = 48;

}  // namespace podroute
