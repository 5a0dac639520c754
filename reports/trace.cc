// The drawing: a line for each interface that saw the packets, and a cross where they end.
//
//   request   pod node-0 → pod node-1
//     node-0   pod link   out    20
//              cnio0      in     20
//              eth0       out    20
//     ✗ stops here: last seen at eth0
#include "reports/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute {
namespace terminal {
namespace {

constexpr std::size_t kMaxName = 24;  // columns of a host or interface

std::string padded(const std::string& text, std::size_t columns) {
    const std::size_t used = display_width(text);
    return used < columns ? text + std::string(columns - used, ' ') : text;
}

// At most kMaxName columns of it.
std::string name(const Page& page, const std::string& text) {
    return wrap(page.clean(text, kMaxName), kMaxName, kMaxName).front();
}

class Drawing {
  public:
    Drawing(Page& page, const Report& report, const Endpoint& source, const Endpoint& destination)
        : page_(page), report_(report), source_(source), destination_(destination) {}

    void write() {
        page_.line(page_.paint(Ink::bold, "podroute trace") + "        " +
                   page_.clean(to_string(source_) + " → " + to_string(destination_)));
        page_.line();
        bool some = false;
        for (const ProbeReport& probe : report_.probes) {
            if (!ours(probe)) continue;
            write_probe(probe);
            some = true;
        }
        if (some) page_.line();
        write_leg("request");
        write_leg("reply");
    }

  private:
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
        if (const auto& times = probe.round_trips)
            text += fmt::format("   {}.{} ms", times->median / 1000, times->median % 1000 / 100);
        if (probe.next_hop) text += ", via " + probe.next_hop->to_string();
        if (probe.source_seen) text += ", from " + probe.source_seen->to_string();
        page_.wrapped("  ", "  ", text);
    }

    const PathReport* find(const std::string& leg) const {
        const auto at = std::find_if(report_.paths.begin(), report_.paths.end(), [&](const PathReport& path) {
            return path.leg == leg && path.source == to_string(source_) &&
                   path.destination == to_string(destination_);
        });
        return at == report_.paths.end() ? nullptr : &*at;
    }

    void write_leg(const std::string& leg) {
        const PathReport* path = find(leg);
        if (path == nullptr) return;
        const bool request = leg == "request";
        const std::string ends =
            to_string(request ? source_ : destination_) + " → " + to_string(request ? destination_ : source_);
        const std::string how = path->steps.empty() ? "   (by the tables)" : "";
        page_.line(page_.paint(Ink::bold, padded(leg, 10)) + page_.clean(ends) + how);
        if (path->steps.empty())
            write_hosts(*path);
        else
            write_steps(*path);
        write_end(*path);
        page_.line();
    }

    void write_hosts(const PathReport& path) {
        for (const std::string& hop : path.hops) page_.line("  " + name(page_, hop));
    }

    void write_steps(const PathReport& path) {
        std::size_t host = 0;
        std::size_t interface = 0;
        for (const PathStep& step : path.steps) {
            host = std::max(host, display_width(name(page_, step.host)));
            interface = std::max(interface, display_width(name(page_, step.interface)));
        }
        std::string last;
        for (const PathStep& step : path.steps) {
            const std::string shown = step.host == last ? "" : name(page_, step.host);
            last = step.host;
            std::string text =
                "  " + padded(shown, host) + "   " + padded(name(page_, step.interface), interface) + "   ";
            text += step.interface.empty()
                        ? "answered a small hop limit"
                        : fmt::format("{:<3}{:>6}", step.leaving ? "out" : "in", step.seen);
            page_.line(text);
        }
    }

    void write_end(const PathReport& path) {
        if (path.status == "pass") {
            page_.line("  " + page_.clean("→") + " arrives");
            return;
        }
        const std::string mark = page_.options().utf8 ? "✗" : "X";
        const std::string word = path.status == "fail" ? "stops here" : "not known further";
        const Ink ink = path.status == "fail" ? Ink::red : Ink::yellow;
        page_.wrapped("  " + page_.paint(ink, mark) + " ", "    ",
                      word + (path.reason.empty() ? "" : ": " + page_.clean(path.reason)), ink);
    }

    Page& page_;
    const Report& report_;
    const Endpoint& source_;
    const Endpoint& destination_;
};

}  // namespace
}  // namespace terminal

std::string render_trace(const Report& report, const Endpoint& source, const Endpoint& destination,
                         const TerminalOptions& options) {
    terminal::Page page(options);
    terminal::Drawing(page, report, source, destination).write();
    return page.take();
}

}  // namespace podroute
