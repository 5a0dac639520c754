// Facts from files: sysctls under /proc/sys/net and the CNI configuration.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/facts.h"

namespace podroute::agent {

// At most `limit` bytes of a file; ENOENT and the like as an Error whose code is "absent" where it does not
// exist.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// The sysctls that bear on forwarding, for `all`, `default` and each of `interfaces`, and how full the tables
// of connections and neighbours may become. One that this kernel or namespace does not have is absent. Where
// forwarding of one of `families` is off, also all that turning it on would overwrite: forwarding and (IPv4)
// accept_redirects of every interface there is.
std::map<std::string, Observed<std::string>> read_sysctls(const std::vector<std::string>& interfaces,
                                                          const std::set<Family>& families);

// Whom the host asks for names: the `nameserver` lines of these files, one that is absent left out. The
// second is what stands behind the stub of systemd-resolved. Unknown if a file or a line of it cannot be
// read.
Observed<std::vector<Address>> read_nameservers(const std::vector<std::string>& files = {
                                                    "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"});

// /etc/cni/net.d/*.{conf,conflist,json} and podCIDR of the kubelet's configuration.
Observed<CniConfig> read_cni(const std::string& directory = "/etc/cni/net.d",
                             const std::string& kubelet_config = "/var/lib/kubelet/kubelet-config.yaml");

}  // namespace podroute::agent
