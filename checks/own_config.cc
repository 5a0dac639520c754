// /etc/cni/net.d and the kubelet's configuration.
#include "checks/own_config.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace podroute {
namespace {

constexpr std::string_view kCniFolder = "/etc/cni/net.d/";

bool names_family(const std::vector<std::string>& texts, Family family) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
        const auto prefix = lenient_prefix(text);
        return prefix && prefix->family() == family;
    });
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t comma = std::min(text.find(',', from), text.size());
        if (comma > from) parts.push_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return parts;
}

}  // namespace

std::optional<Prefix> lenient_prefix(const std::string& text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    const auto address = Address::parse(text.substr(0, slash));
    unsigned length = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, length);
    if (!address || error != std::errc{} || stop != end || length > address->bits()) return std::nullopt;
    return Prefix{*address, length};
}

std::optional<std::string> instead_of(const Prefix& cidr, const InventoryHost& host,
                                      const std::vector<std::string>& subnets) {
    std::vector<std::string> placeholders;
    std::optional<std::string> other;
    for (const std::string& text : subnets) {
        const auto prefix = lenient_prefix(text);
        if (!prefix) placeholders.push_back(text);
        if (!prefix || prefix->family() != cidr.family()) continue;
        if (std::find(host.pod_cidrs.begin(), host.pod_cidrs.end(), *prefix) != host.pod_cidrs.end())
            return std::nullopt;
        if (!other) other = text;
    }
    if (other) return other;
    std::size_t at = 0;
    for (const Prefix& own : host.pod_cidrs) {
        if (own == cidr) break;
        if (!names_family(subnets, own.family())) ++at;
    }
    return at < placeholders.size() ? std::optional(placeholders[at]) : std::nullopt;
}

std::pair<std::string, std::vector<std::string>> cni_subnets(const HostFacts& facts) {
    std::pair<std::string, std::vector<std::string>> found;
    if (!facts.cni.known()) return found;
    for (const CniNetwork& network : facts.cni->networks) {
        if (network.type == "loopback" || (!found.first.empty() && network.file != found.first)) continue;
        found.first = network.file;
        found.second.insert(found.second.end(), network.subnets.begin(), network.subnets.end());
    }
    return found;
}

std::string cni_path(const std::string& file) {
    return file.starts_with('/') ? file : std::string(kCniFolder) + file;
}

std::vector<std::string> kubelet_subnets(const HostFacts& facts) {
    return facts.cni.known() ? split(facts.cni->kubelet_pod_cidr) : std::vector<std::string>();
}

}  // namespace podroute
