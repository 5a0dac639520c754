// Sysctls and CNI configuration.
#include "agent/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "agent/words.h"
#include "model/json.h"

namespace podroute::agent {
namespace {

using codec::json;

constexpr std::size_t kMaxSysctl = 256;                      // bytes
constexpr std::size_t kMaxConfig = std::size_t{256} * 1024;  // bytes of one CNI or kubelet file
constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxConfLinks = 4096;
constexpr std::size_t kMaxText = 256;  // bytes of a name out of a file

constexpr std::array kGlobal{"ipv4/ip_forward",
                             "ipv4/fib_multipath_hash_policy",
                             "ipv4/neigh/default/gc_thresh3",
                             "ipv6/neigh/default/gc_thresh3",
                             "netfilter/nf_conntrack_count",
                             "netfilter/nf_conntrack_max"};
constexpr std::array kPerLink4{"forwarding",     "rp_filter",   "arp_ignore", "ignore_routes_with_linkdown",
                               "src_valid_mark", "accept_local"};
constexpr std::array kPerLink6{"forwarding", "force_forwarding", "accept_ra", "disable_ipv6",
                               "ignore_routes_with_linkdown"};

std::string bounded(std::string text) {
    text.resize(std::min(text.size(), kMaxText));
    return text;
}

std::string text_of(const json& j, const char* key) {
    const auto at = j.find(key);
    return at != j.end() && at->is_string() ? bounded(at->get<std::string>()) : std::string();
}

// "subnet" stands at ipam.subnet (host-local) or in ipam.ranges[][].
void add_subnets(const json& ipam, std::vector<std::string>& subnets) {
    if (!ipam.is_object()) return;
    if (auto subnet = text_of(ipam, "subnet"); !subnet.empty()) subnets.push_back(std::move(subnet));
    const auto ranges = ipam.find("ranges");
    if (ranges == ipam.end() || !ranges->is_array()) return;
    for (const auto& set : *ranges)
        if (set.is_array())
            for (const auto& range : set)
                if (range.is_object() && subnets.size() < kMaxFiles)
                    if (auto subnet = text_of(range, "subnet"); !subnet.empty())
                        subnets.push_back(std::move(subnet));
}

CniNetwork plugin(const json& j, const std::string& file, const std::string& name) {
    CniNetwork network;
    network.file = file;
    network.name = name;
    network.type = text_of(j, "type");
    network.bridge = text_of(j, "bridge");
    const auto masq = j.find("ipMasq");
    network.ip_masq = masq != j.end() && masq->is_boolean() && masq->get<bool>();
    if (const auto ipam = j.find("ipam"); ipam != j.end()) add_subnets(*ipam, network.subnets);
    return network;
}

void parse_cni(const std::string& file, const std::string& bytes, CniConfig& config) {
    const auto parsed = codec::parse_untrusted(bytes, kMaxConfig);
    if (!parsed || !parsed->is_object()) {
        config.unreadable.push_back(file + ": " + (parsed ? "no JSON object" : bounded(parsed.error().text)));
        return;
    }
    const auto name = text_of(*parsed, "name");
    const auto plugins = parsed->find("plugins");
    if (plugins == parsed->end() || !plugins->is_array()) {
        config.networks.push_back(plugin(*parsed, file, name));
        return;
    }
    for (const auto& p : *plugins)
        if (p.is_object() && config.networks.size() < kMaxFiles)
            config.networks.push_back(plugin(p, file, name));
}

Result<std::vector<std::string>> config_files(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
    if (!dir)
        return failure(errno == ENOENT ? "absent" : "unreadable", directory + ": " + std::strerror(errno));
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir.get())) {
        const std::string name = entry->d_name;
        const auto dot = name.rfind('.');
        const auto ending = dot == std::string::npos ? std::string() : name.substr(dot);
        if (ending == ".conf" || ending == ".conflist" || ending == ".json") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    names.resize(std::min(names.size(), kMaxFiles));
    return names;
}

// `podCIDR: "10.200.0.0/24"` at the start of a line; the kubelet's configuration is flat there.
std::string kubelet_pod_cidr(const std::string& yaml) {
    constexpr std::string_view kKey = "podCIDR:";
    const auto at = yaml.rfind(kKey, 0) == 0 ? 0 : yaml.find("\n" + std::string(kKey));
    if (at == std::string::npos) return {};
    auto value = yaml.substr(yaml.find(':', at) + 1);
    value.resize(std::min(value.find('\n'), value.size()));
    value.resize(std::min(value.find('#'), value.size()));
    std::erase_if(value, [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\r' || c == '\t'; });
    return bounded(value);
}

bool is_zero(const std::map<std::string, Observed<std::string>>& sysctls, const std::string& name) {
    const auto at = sysctls.find(name);
    return at != sysctls.end() && at->second.known() && *at->second == "0";
}

// The names under /proc/sys/net/FAMILY/conf.
Result<std::vector<std::string>> conf_links(const std::string& family) {
    const std::string path = "/proc/sys/net/" + family + "/conf";
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
    if (!dir) return failure("unreadable", path + ": " + std::strerror(errno));
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir.get())) {
        if (entry->d_name[0] == '.') continue;
        if (names.size() >= kMaxConfLinks) return failure("unreadable", path + ": too many interfaces");
        names.emplace_back(entry->d_name);
    }
    return names;
}

// Appends the addresses of `nameserver` lines (resolv.conf(5)); a zone is left out.
Result<void> parse_nameservers(const std::string& file, std::string_view bytes,
                               std::vector<Address>& servers) {
    while (!bytes.empty()) {
        auto line = take(bytes, "\n");
        if (take_word(line) != "nameserver") continue;
        const std::string text{take_word(line)};
        if (text.empty()) continue;
        const auto address = Address::parse(text.substr(0, text.find('%')));
        if (!address) return failure("unreadable", file + ": '" + bounded(text) + "' is no address");
        if (std::find(servers.begin(), servers.end(), *address) == servers.end()) servers.push_back(*address);
    }
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    // O_NONBLOCK: a FIFO in a configuration folder must not hold the agent.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return failure(errno == ENOENT || errno == ENOTDIR ? "absent" : "unreadable",
                       path + ": " + std::strerror(errno));
    std::string bytes(limit, '\0');
    std::size_t size = 0;
    ssize_t n = 0;
    while (size < limit && (n = read(fd, bytes.data() + size, limit - size)) > 0)
        size += static_cast<std::size_t>(n);
    const int error = errno;
    close(fd);
    if (n < 0) return failure("unreadable", path + ": " + std::strerror(error));
    bytes.resize(size);
    return bytes;
}

std::map<std::string, Observed<std::string>> read_sysctls(const std::vector<std::string>& interfaces,
                                                          const std::set<Family>& families) {
    std::map<std::string, Observed<std::string>> out;
    const auto add = [&](const std::string& name) {
        auto value = read_file("/proc/sys/net/" + name, kMaxSysctl);
        if (!value && value.error().code == "absent") return;
        if (!value) {
            out.emplace(name, Unknown{value.error().text, "", ""});
            return;
        }
        while (!value->empty() && value->back() == '\n') value->pop_back();
        out.emplace(name, std::move(*value));
    };
    for (const auto* name : kGlobal) add(name);
    std::vector<std::string> names{"all", "default"};
    names.insert(names.end(), interfaces.begin(), interfaces.end());
    for (const auto& link : names) {
        for (const auto* name : kPerLink4) add("ipv4/conf/" + link + "/" + name);
        for (const auto* name : kPerLink6) add("ipv6/conf/" + link + "/" + name);
    }
    // devinet_sysctl_forward() of net/ipv4/devinet.c, addrconf_fixup_forwarding() of net/ipv6/addrconf.c.
    if (families.contains(Family::v4) && is_zero(out, "ipv4/ip_forward")) {
        const auto links = conf_links("ipv4");
        if (!links) out["ipv4/conf/all/accept_redirects"] = Unknown{links.error().text, "", ""};
        for (const auto& link : links ? *links : std::vector<std::string>()) {
            add("ipv4/conf/" + link + "/forwarding");
            add("ipv4/conf/" + link + "/accept_redirects");
        }
    }
    if (families.contains(Family::v6) && is_zero(out, "ipv6/conf/all/forwarding")) {
        const auto links = conf_links("ipv6");
        if (!links) out["ipv6/conf/default/forwarding"] = Unknown{links.error().text, "", ""};
        for (const auto& link : links ? *links : std::vector<std::string>())
            add("ipv6/conf/" + link + "/forwarding");
    }
    return out;
}

Observed<std::vector<Address>> read_nameservers(const std::vector<std::string>& files) {
    std::vector<Address> servers;
    for (const auto& file : files) {
        const auto bytes = read_file(file, kMaxConfig);
        if (!bytes && bytes.error().code == "absent") continue;
        if (!bytes) return Unknown{bytes.error().text, "", ""};
        if (const auto good = parse_nameservers(file, *bytes, servers); !good)
            return Unknown{good.error().text, "", ""};
    }
    return servers;
}

Observed<CniConfig> read_cni(const std::string& directory, const std::string& kubelet_config) {
    CniConfig config;
    const auto files = config_files(directory);
    if (!files && files.error().code != "absent") return Unknown{files.error().text, "", ""};
    for (const auto& name : files ? *files : std::vector<std::string>()) {
        std::string path = directory;
        path += '/';
        path += name;
        const auto bytes = read_file(path, kMaxConfig);
        if (bytes)
            parse_cni(name, *bytes, config);
        else
            config.unreadable.push_back(name + ": " + bounded(bytes.error().text));
    }
    const auto yaml = read_file(kubelet_config, kMaxConfig);
    if (yaml)
        config.kubelet_pod_cidr = kubelet_pod_cidr(*yaml);
    else if (yaml.error().code != "absent")
        config.unreadable.push_back(bounded(yaml.error().text));
    return config;
}

}  // namespace podroute::agent
