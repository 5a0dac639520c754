// Reads machines.txt. Tells every error at once, each with its line and column.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "model/inventory.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxErrors = 100;  // more than a person reads
constexpr std::size_t kQuoted = 60;      // bytes of the input that a message repeats
constexpr std::string_view kBlanks = " \t\r\v\f";

struct Field {
    std::string_view text;
    std::size_t column;  // counted from 1, in bytes
};

bool is_binary(char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && kBlanks.find(c) == std::string_view::npos) || u == 0x7f;
}

// What a message repeats of the input: bounded, and without bytes that a terminal would act on.
std::string quote(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, kQuoted))
        out += static_cast<unsigned char>(c) < 0x80 && !is_binary(c) ? c : '?';
    return out + (text.size() > kQuoted ? "..'" : "'");
}

std::vector<Field> split(std::string_view line) {
    std::vector<Field> fields;
    std::size_t at = 0;
    while ((at = line.find_first_not_of(kBlanks, at)) != std::string_view::npos && line[at] != '#') {
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        fields.push_back({line.substr(at, end - at), at + 1});
        at = end;
    }
    return fields;
}

// Loopback, multicast, reserved and "this network" (RFC 6890).
bool overlaps_unroutable(const Prefix& prefix) {
    static const Prefix unroutable[] = {*Prefix::parse("0.0.0.0/8"), *Prefix::parse("127.0.0.0/8"),
                                        *Prefix::parse("224.0.0.0/3"), *Prefix::parse("::/127"),
                                        *Prefix::parse("ff00::/8")};
    return std::any_of(std::begin(unroutable), std::end(unroutable),
                       [&](const Prefix& p) { return p.overlaps(prefix); });
}

Prefix link_local(Family family) {
    return *Prefix::parse(family == Family::v4 ? "169.254.0.0/16" : "fe80::/10");
}

class Parser {
  public:
    explicit Parser(std::string_view file) : file_(file) {}

    tl::expected<Inventory, InventoryErrors> parse(std::string_view bytes) {
        if (bytes.size() > kMaxInventoryBytes) {
            report(1, 1, "too-large", "over 16 MiB; this is no machines.txt");
            return tl::unexpected(std::move(errors_));
        }
        if (bytes.substr(0, 3) == "\xef\xbb\xbf") bytes.remove_prefix(3);
        for (unsigned number = 1; !bytes.empty() && !given_up(); ++number) {
            const std::size_t end = std::min(bytes.find('\n'), bytes.size());
            read_line(bytes.substr(0, end), number);
            bytes.remove_prefix(std::min(end + 1, bytes.size()));
        }
        finish();
        if (!errors_.errors.empty()) return tl::unexpected(in_order());
        return std::move(inventory_);
    }

  private:
    struct Where {
        unsigned line;
        std::size_t column;
        auto operator<=>(const Where&) const = default;
    };

    bool given_up() const { return errors_.errors.size() >= kMaxErrors; }

    void report(unsigned line, std::size_t column, std::string code, std::string text) {
        if (errors_.errors.size() == kMaxErrors) return;
        if (errors_.errors.size() == kMaxErrors - 1) {
            code = "too-many-errors";
            text = "more errors follow; these first " + std::to_string(kMaxErrors - 1) +
                   " must be mended before they are shown";
        }
        places_.push_back({line, column});
        errors_.errors.push_back(
            {std::move(code), std::move(text),
             std::string(file_) + ":" + std::to_string(line) + ":" + std::to_string(column)});
    }

    // As a reader of the file meets them; the one that says more follow stays last.
    InventoryErrors in_order() const {
        std::vector<std::size_t> order(std::min(errors_.errors.size(), kMaxErrors - 1));
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(),
                         [this](std::size_t a, std::size_t b) { return places_[a] < places_[b]; });
        InventoryErrors sorted;
        for (const std::size_t i : order) sorted.errors.push_back(errors_.errors[i]);
        if (errors_.errors.size() == kMaxErrors) sorted.errors.push_back(errors_.errors.back());
        return sorted;
    }

    void read_line(std::string_view line, unsigned number) {
        if (const auto bad = std::find_if(line.begin(), line.end(), is_binary); bad != line.end()) {
            report(number, static_cast<std::size_t>(bad - line.begin()) + 1, "binary",
                   "a control character; this is not a text file");
            return;
        }
        const auto fields = split(line);
        if (fields.empty()) return;
        if (fields.size() < 3) {
            report(number, fields.back().column + fields.back().text.size(), "too-few-fields",
                   "too few fields; a line is ADDRESS FQDN NAME [POD_CIDR ..]");
            return;
        }
        if (inventory_.hosts.size() >= kMaxHosts) {
            if (!too_many_)
                report(number, 1, "too-many-hosts", "more than " + std::to_string(kMaxHosts) + " hosts");
            too_many_ = true;
            return;
        }
        const auto address = read_address(fields[0], number);
        const bool fqdn_good = read_name(fields[1], number, "FQDN");
        const bool name_good = read_name(fields[2], number, "name");
        const std::vector<Prefix> cidrs = read_cidrs(fields, number);
        if (fqdn_good && name_good) add(address, fields, number, cidrs);
    }

    std::optional<Address> read_address(const Field& field, unsigned line) {
        const auto address = Address::parse(field.text);
        if (!address) {
            report(line, field.column, "bad-address", quote(field.text) + " is " + address.error().text);
            return std::nullopt;
        }
        if (overlaps_unroutable(Prefix::host(*address)) || (!address->is_v4() && address->is_link_local())) {
            report(line, field.column, "bad-address",
                   quote(field.text) + " cannot be the address of a host that others route to");
            return std::nullopt;
        }
        if (const auto [at, fresh] = addresses_.emplace(*address, line); !fresh) {
            report(line, field.column, "duplicate-address",
                   quote(field.text) + " stands on line " + std::to_string(at->second) + " already");
            return std::nullopt;
        }
        return *address;
    }

    bool read_name(const Field& field, unsigned line, std::string_view what) {
        if (valid_host_name(field.text)) return true;
        std::string hint;
        if (Prefix::parse(field.text)) hint = "; is the host name missing before this pod CIDR?";
        report(line, field.column, "bad-name",
               quote(field.text) + " is no " + std::string(what) +
                   ": letters, digits, '.', '-' and '_' only" + hint);
        return false;
    }

    std::vector<Prefix> read_cidrs(const std::vector<Field>& fields, unsigned line) {
        std::vector<Prefix> cidrs;
        for (std::size_t i = 3; i < fields.size(); ++i) {
            const auto cidr = Prefix::parse(fields[i].text);
            if (!cidr) {
                report(line, fields[i].column, cidr.error().code,
                       quote(fields[i].text) + ": " + cidr.error().text);
            } else if (overlaps_unroutable(*cidr) || cidr->overlaps(link_local(cidr->family()))) {
                report(line, fields[i].column, "bad-prefix",
                       quote(fields[i].text) +
                           ": no pod can have all of these addresses: loopback, "
                           "link-local, multicast and reserved ones are never routed");
            } else if (std::find(cidrs.begin(), cidrs.end(), *cidr) != cidrs.end()) {
                report(line, fields[i].column, "duplicate-cidr",
                       quote(fields[i].text) + " stands twice on this line");
            } else if (++cidr_count_ > kMaxHosts) {
                if (cidr_count_ == kMaxHosts + 1)
                    report(line, fields[i].column, "too-many-hosts",
                           "more than " + std::to_string(kMaxHosts) + " pod CIDRs");
            } else {
                cidrs.push_back(*cidr);
                cidr_at_.emplace(std::pair(std::string(fields[2].text), *cidr),
                                 Where{line, fields[i].column});
            }
        }
        return cidrs;
    }

    void add(std::optional<Address> address, const std::vector<Field>& fields, unsigned line,
             const std::vector<Prefix>& cidrs) {
        const std::string name(fields[2].text), fqdn(fields[1].text);
        const auto [at, fresh] = host_at_.emplace(name, inventory_.hosts.size());
        if (const auto [owner, first] = fqdns_.emplace(fqdn, name); !first && owner->second != name)
            report(line, fields[1].column, "duplicate-fqdn",
                   quote(fqdn) + " is the FQDN of " + owner->second + " already");
        if (fresh) {
            inventory_.hosts.push_back({name, fqdn, {}, {}, {}});
        } else {
            const auto& known = inventory_.hosts[at->second];
            const std::string first = std::to_string(known.lines.front());
            if (known.fqdn != fqdn)
                report(line, fields[1].column, "duplicate-name",
                       quote(name) + " stands on line " + first + " with the FQDN " + quote(known.fqdn) +
                           "; the two lines of a dual-stack host name the same one");
            if (address && known.address(address->family()))
                report(line, fields[2].column, "duplicate-name",
                       quote(name) + " has an " + std::string(to_string(address->family())) +
                           " address on line " + first +
                           " already; a host has one line for each address family");
        }
        auto& host = inventory_.hosts[at->second];
        if (address && !host.address(address->family())) host.addresses.push_back(*address);
        if (!address) addressless_.insert(name);
        for (const auto& cidr : cidrs) {
            if (std::find(host.pod_cidrs.begin(), host.pod_cidrs.end(), cidr) == host.pod_cidrs.end())
                host.pod_cidrs.push_back(cidr);
            else
                report(line, cidr_at_.at({name, cidr}).column, "duplicate-cidr",
                       quote(cidr.to_string()) + " stands twice for " + name);
        }
        host.lines.push_back(line);
    }

    void finish() {
        for (const auto& host : inventory_.hosts) {
            if (addressless_.contains(host.name)) continue;  // its address was an error of its own
            for (const auto& cidr : host.pod_cidrs) {
                if (host.address(cidr.family())) continue;
                const auto where = cidr_at_.at({host.name, cidr});
                report(where.line, where.column, "no-node-address",
                       quote(cidr.to_string()) + ": " + host.name + " has no " +
                           std::string(to_string(cidr.family())) + " node address; give it a line with one");
            }
        }
        if (inventory_.hosts.empty() && errors_.errors.empty())
            report(1, 1, "empty-inventory", "no hosts; a line is ADDRESS FQDN NAME [POD_CIDR ..]");
    }

    std::string_view file_;
    Inventory inventory_;
    InventoryErrors errors_;
    std::vector<Where> places_;  // of the errors
    std::map<std::string, std::size_t> host_at_;
    std::map<std::string, std::string> fqdns_;
    std::map<Address, unsigned> addresses_;
    std::map<std::pair<std::string, Prefix>, Where> cidr_at_;
    std::set<std::string> addressless_;
    std::size_t cidr_count_ = 0;
    bool too_many_ = false;
};

}  // namespace

tl::expected<Inventory, InventoryErrors> parse_machines_txt(std::string_view bytes, std::string_view file) {
    return Parser(file).parse(bytes);
}

}  // namespace podroute
