// Codes, their pages and the messages that lead to them.
#include "checks/catalogue.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "checks/pages.h"

namespace podroute {
namespace {

struct KnownMessage {
    std::string_view part;  // in lower case
    std::array<std::string_view, 5> codes;
};

// ip(8), ping(8), ssh(1) and connect(2), as they word their errors.
constexpr KnownMessage kMessages[] = {
    {"file exists", {"route-shadowed", "pod-cidr-mismatch", "route-wrong-gateway"}},
    {"network is unreachable", {"route-missing", "route-partial", "gateway-unresolved"}},
    {"nexthop has invalid gateway",
     {"gateway-unresolved", "route-wrong-gateway", "link-down", "address-missing"}},
    {"no route to host",
     {"gateway-unresolved", "route-blackhole", "forwarding-disabled", "host-unreachable"}},
    {"destination host unreachable",
     {"gateway-unresolved", "neighbour-wrong", "link-down", "route-blackhole"}},
    {"destination net unreachable", {"route-missing", "route-partial"}},
    {"time to live exceeded", {"route-wrong-gateway", "pod-cidr-mismatch", "route-missing"}},
    {"no such process", {"route-missing"}},
    {"network is down", {"link-down"}},
    {"invalid argument", {"route-blackhole", "rp-filter-drop"}},
    {"invalid cross-device link", {"rp-filter-drop"}},
    {"packet filtered", {"route-blackhole"}},
    {"host key verification failed", {"ssh-host-key-unknown", "ssh-host-key-mismatch"}},
    {"remote host identification has changed", {"ssh-host-key-mismatch"}},
    {"authenticity of host", {"ssh-host-key-unknown"}},
    {"permission denied (", {"ssh-auth-failed"}},
    {"please login as the user", {"ssh-auth-failed"}},
    {"too many authentication failures", {"ssh-auth-failed"}},
    {"connection refused", {"host-unreachable"}},
    {"connection timed out", {"host-unreachable"}},
    {"operation timed out", {"host-unreachable"}},
    {"could not resolve hostname", {"host-unreachable"}},
    {"kex_exchange_identification", {"ssh-failed"}},
    {"connection closed by", {"ssh-failed"}},
    {"connection reset by peer", {"ssh-failed", "host-unreachable"}},
    {"no matching host key type", {"ssh-failed"}},
    {"dadfailed", {"address-duplicate"}},
    {"duplicate address detected", {"address-duplicate"}},
    {"neighbor table overflow", {"neighbour-table-full"}},
    {"neighbour table overflow", {"neighbour-table-full"}},
    {"no buffer space available", {"neighbour-table-full"}},
    {"table full, dropping packet", {"conntrack-full"}},
    {"martian source", {"rp-filter-drop", "pod-cidr-mismatch", "route-shadowed"}},
};

// "# route-missing: a host has no route to a pod network" → the part behind the colon.
std::string_view title_of(const Page& page) {
    const std::string_view line = page.text.substr(0, page.text.find('\n'));
    const std::size_t colon = line.find(": ");
    return colon == std::string_view::npos ? line : line.substr(colon + 2);
}

CodeKind kind_of(const Page& page) {
    return page.text.find("\nThis is a check.") != std::string_view::npos ? CodeKind::check : CodeKind::cause;
}

}  // namespace

std::vector<CatalogueEntry> catalogue() {
    std::vector<CatalogueEntry> entries;
    for (const Page& page : embedded_pages()) entries.push_back({page.code, kind_of(page), title_of(page)});
    return entries;
}

std::optional<std::string_view> explain_page(std::string_view code) {
    for (const Page& page : embedded_pages())
        if (page.code == code) return page.text;
    return std::nullopt;
}

std::vector<std::string_view> match_message(std::string_view text) {
    std::string lower(text.substr(0, 4096));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::vector<std::string_view> codes;
    for (const KnownMessage& message : kMessages) {
        if (lower.find(message.part) == std::string::npos) continue;
        for (const std::string_view code : message.codes)
            if (!code.empty() && std::find(codes.begin(), codes.end(), code) == codes.end())
                codes.push_back(code);
    }
    return codes;
}

}  // namespace podroute
