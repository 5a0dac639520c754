// The drawing: a line for each interface that saw the packets, and a cross where they end.
//
//   request   pod node-0 → pod node-1   (icmp, 20 packets)
//     host     interface        packets   hop
//     node-0   pod link   out        20     1
//              cnio0      in         20
//     ✗ stops here: inside node-0, last seen at cnio0
#include "reports/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute {
namespace terminal {
namespace {

constexpr std::size_t kMaxName = 24;  // columns of a host or interface
constexpr std::size_t kCount = 12;    // columns of a direction and a count

std::string padded(const std::string& text, std::size_t columns) {
    const std::size_t used = display_width(text);
    return used < columns ? text + std::string(columns - used, ' ') : text;
}

// At most kMaxName columns of it.
std::string name(const Page& page, const std::string& text) {
    return wrap(page.clean(text, kMaxName), kMaxName, kMaxName).front();
}

// "0.04 ms": two digits count, down to a microsecond.
std::string milliseconds(std::uint32_t us) {
    const int digits = us >= 10'000 ? 1 : us >= 100 ? 2 : 3;
    return fmt::format("{:.{}f} ms", us / 1000.0, digits);
}

class Drawing {
  public:
    Drawing(Page& page, const Report& report, const Endpoint& source, const Endpoint& destination,
            const std::vector<std::string>& notes)
        : page_(page), report_(report), source_(source), destination_(destination), notes_(notes) {}

    void write() {
        std::vector<const ProbeReport*> probes;
        for (const ProbeReport& probe : report_.probes)
            if (ours(probe) && probe.sent > 0) probes.push_back(&probe);
        std::stable_sort(probes.begin(), probes.end(), [](const ProbeReport* a, const ProbeReport* b) {
            return std::pair(a->protocol, a->size) < std::pair(b->protocol, b->size);
        });
        write_head(probes.empty() ? nullptr : probes.front());
        for (const ProbeReport* probe : probes) write_probe(*probe);
        if (probes.empty()) page_.line("  no packets were sent");
        page_.line();
        write_leg("request");
        write_leg("reply");
        if (hops_) {
            page_.wrapped("  ", "  ",
                          "hop: answered a packet whose hop limit ended there; captures saw the rest");
            page_.line();
        }
    }

  private:
    void write_head(const ProbeReport* probe) {
        const std::string title = "podroute " + page_.clean(page_.options().command, 40) + "        ";
        const std::string blank(display_width(title), ' ');
        page_.wrapped(page_.paint(Ink::bold, title), blank,
                      page_.clean(to_string(source_) + " → " + to_string(destination_)));
        if (probe != nullptr)
            page_.wrapped(blank, blank,
                          page_.clean(probe->source.address.to_string() + " → " +
                                      probe->destination.address.to_string()));
        for (const std::string& note : notes_) page_.wrapped(blank, blank, page_.clean(note), Ink::yellow);
        page_.line();
    }

    // Addresses of synthetic pods are the run's own choice: hosts and vantages tell the pair.
    bool ours(const ProbeReport& probe) const {
        return same(probe.source, source_) && same(probe.destination, destination_);
    }
    static bool same(const Endpoint& a, const Endpoint& b) {
        return a.host == b.host && a.vantage == b.vantage && a.address.family() == b.address.family();
    }

    void write_probe(const ProbeReport& probe) {
        std::string text =
            fmt::format("{:<5}{:>5} bytes   {} sent, {} arrived, {} answered", to_string(probe.protocol),
                        probe.size, probe.sent, probe.arrived, probe.answered);
        if (const auto& times = probe.round_trips) text += "   " + milliseconds(times->median);
        if (probe.next_hop) text += ", via " + probe.next_hop->to_string();
        if (probe.source_seen) text += ", from " + probe.source_seen->to_string();
        page_.wrapped("  ", "  ", text);
    }

    const PathReport* find(const std::string& leg) const {
        const auto at = std::find_if(report_.paths.begin(), report_.paths.end(), [&](const PathReport& path) {
            return path.leg == leg && path.source == path_end(report_.inventory, source_) &&
                   path.destination == path_end(report_.inventory, destination_);
        });
        return at == report_.paths.end() ? nullptr : &*at;
    }

    void write_leg(const std::string& leg) {
        const PathReport* path = find(leg);
        const bool request = leg == "request";
        const auto stopped = path == nullptr ? unseen(request ? ProbeLeg::request : ProbeLeg::reply)
                                             : std::optional<std::string>();
        if (path == nullptr && !stopped) return;
        const std::string ends =
            to_string(request ? source_ : destination_) + " → " + to_string(request ? destination_ : source_);
        page_.wrapped(page_.paint(Ink::bold, padded(leg, 10)), std::string(10, ' '),
                      page_.clean(ends) + (stopped ? "" : "   " + how(*path)));
        if (stopped) {
            page_.wrapped("  ", "  ", *stopped);
            return page_.line();
        }
        if (path->steps.empty())
            write_hosts(*path);
        else
            write_steps(*path);
        write_end(*path);
        page_.line();
    }

    // Of a leg that no capture saw: why there was none, or where it ended all the same.
    std::optional<std::string> unseen(ProbeLeg leg) const {
        std::uint32_t arrived = 0;
        const ProbeReport* lost = nullptr;
        for (const ProbeReport& probe : report_.probes) {
            if (!ours(probe) || probe.next_hop) continue;
            arrived += probe.arrived;
            if (lost == nullptr && probe.stopped_at && probe.stopped_at->leg == leg) lost = &probe;
        }
        if (lost != nullptr && lost->stopped_at->interface.empty())
            return cross() + " stops here: the kernel of " + page_.clean(lost->stopped_at->host) +
                   " would not send it";
        if (lost != nullptr && leg == ProbeLeg::reply && arrived > 0)
            return cross() + " stops here: inside " + page_.clean(lost->stopped_at->host) +
                   ", where the request was last seen at " + page_.clean(lost->stopped_at->interface);
        const PathReport* asked = leg == ProbeLeg::reply ? find("request") : nullptr;
        if (asked != nullptr && asked->protocol && asked->status == "fail" && arrived == 0)
            return "none: no request arrived";
        return std::nullopt;
    }

    std::string cross() const { return page_.options().utf8 ? "✗" : "X"; }

    static std::string how(const PathReport& path) {
        if (!path.protocol) return "(by the tables)";
        return "(" + std::string(to_string(*path.protocol)) + ")";
    }

    void write_hosts(const PathReport& path) {
        for (const std::string& hop : path.hops) page_.line("  " + name(page_, hop));
    }

    struct Columns {
        std::size_t host = display_width("host"), interface = display_width("interface");
        bool hops = false;
    };
    Columns columns_of(const PathReport& path) const {
        Columns columns;
        for (const PathStep& step : path.steps) {
            columns.host = std::max(columns.host, display_width(name(page_, step.host)));
            columns.interface = std::max(columns.interface, display_width(name(page_, step.interface)));
            columns.hops |= step.hop != 0;
        }
        return columns;
    }

    void write_row(const Columns& columns, const std::string& host, const std::string& interface,
                   const std::string& count, const std::string& hop) {
        page_.line("  " + padded(host, columns.host) + "   " + padded(interface, columns.interface) + "   " +
                   fmt::format("{:>{}}", count, kCount) + (columns.hops ? fmt::format("{:>6}", hop) : ""));
    }

    void write_steps(const PathReport& path) {
        const Columns columns = columns_of(path);
        hops_ |= columns.hops;
        write_row(columns, "host", "interface", "packets", "hop");
        std::string last;
        for (const PathStep& step : path.steps) {
            const std::string host = step.host == last ? "" : name(page_, step.host);
            last = step.host;
            // What only packets that end on the way were seen at has no count.
            const std::string seen = step.seen == 0 ? "-" : std::to_string(step.seen);
            write_row(columns, host, step.interface.empty() ? "-" : name(page_, step.interface),
                      step.interface.empty()
                          ? ""
                          : fmt::format("{:<3}{:>{}}", step.leaving ? "out" : "in", seen, kCount - 3),
                      step.hop == 0 ? "" : std::to_string(step.hop));
        }
    }

    // ", by way of node-2", of hosts that the leg should not pass.
    std::string detour(const PathReport& path) const {
        std::vector<std::string> others;
        for (const std::string& hop : path.hops)
            if (std::find(path.expected.begin(), path.expected.end(), hop) == path.expected.end())
                others.push_back(name(page_, hop));
        return others.empty() ? "" : ", by way of " + list_fitting(others, page_.width() / 2);
    }

    void write_end(const PathReport& path) {
        if (path.status == "pass") {
            page_.line("  " + page_.clean("→") + " arrives" + page_.paint(Ink::yellow, detour(path)));
            return;
        }
        const std::string word = path.status == "fail" ? "stops here" : "not known further";
        const Ink ink = path.status == "fail" ? Ink::red : Ink::yellow;
        page_.wrapped("  " + page_.paint(ink, cross()) + " ", "    ",
                      word + (path.reason.empty() ? "" : ": " + page_.clean(path.reason)), ink);
    }

    Page& page_;
    const Report& report_;
    const Endpoint& source_;
    const Endpoint& destination_;
    const std::vector<std::string>& notes_;
    bool hops_ = false;  // some step says which hop limit it answered
};

}  // namespace
}  // namespace terminal

std::string render_trace(const Report& report, const Endpoint& source, const Endpoint& destination,
                         const TerminalOptions& options, const std::vector<std::string>& notes) {
    terminal::Page page(options);
    terminal::Drawing(page, report, source, destination, notes).write();
    return page.take();
}

}  // namespace podroute
