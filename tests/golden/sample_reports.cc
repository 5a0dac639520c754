#include "tests/golden/sample_reports.h"

#include <fmt/format.h>

namespace podroute::samples {
namespace {

void add_host(Report& report, const std::string& name, const std::string& address, const std::string& cidr) {
    InventoryHost host;
    host.name = name;
    host.fqdn = name + ".kubernetes.local";
    host.addresses.push_back(Address::parse(address).value());
    if (!cidr.empty()) host.pod_cidrs.push_back(Prefix::parse(cidr).value());
    report.inventory.hosts.push_back(std::move(host));
}

Report cluster(int nodes) {
    Report report;
    report.run = {"5f1c2a9be0d34477", "2026-03-01T09:30:00Z", 912, "0.1.0", "machines.txt", false};
    add_host(report, "server", "10.240.0.10", "");
    for (int i = 0; i < nodes; ++i)
        add_host(report, fmt::format("node-{}", i), fmt::format("10.240.0.{}", 20 + i),
                 fmt::format("10.200.{}.0/24", i));
    const std::size_t n = static_cast<std::size_t>(nodes);
    report.pairs.total = n * (n - 1) + 2 * n;
    return report;
}

void count(Report& report, Status status) {
    Counts& counts = report.checks_summary;
    switch (status) {
        case Status::pass:
            ++counts.pass;
            break;
        case Status::fail:
            ++counts.fail;
            break;
        case Status::warn:
            ++counts.warn;
            break;
        case Status::skip:
            ++counts.skip;
            break;
        case Status::unknown:
            ++counts.unknown;
            break;
    }
}

Verdict& add_check(Report& report, Layer layer, const std::string& code, const std::string& host,
                   const std::string& subject, Status status, const std::string& message) {
    Verdict verdict;
    verdict.check = code;
    verdict.layer = layer;
    verdict.host = host;
    verdict.subject = subject;
    verdict.status = status;
    verdict.message = message;
    count(report, status);
    report.checks.push_back({code + "/" + host + "/" + subject, std::move(verdict)});
    return report.checks.back().verdict;
}

// Access, uplink and forwarding pass everywhere; routes are as `route` says.
template <class RouteStatus>
void add_checks(Report& report, RouteStatus route) {
    for (const InventoryHost& host : report.inventory.hosts)
        add_check(report, Layer::access, "host-access", host.name, host.addresses[0].to_string(),
                  Status::pass, "logged in and read");
    for (const InventoryHost& host : report.inventory.hosts)
        add_check(report, Layer::links, "uplink-up", host.name, "eth0", Status::pass, "eth0 is up");
    for (const InventoryHost& host : report.inventory.hosts) {
        for (const InventoryHost& peer : report.inventory.hosts) {
            if (peer.name == host.name || peer.pod_cidrs.empty()) continue;
            const Status status = route(host.name, peer.name);
            const std::string cidr = peer.pod_cidrs[0].to_string();
            Verdict& verdict =
                add_check(report, Layer::routes, "route-present", host.name, cidr, status,
                          status == Status::pass ? cidr + " goes to " + peer.name : "no route to " + cidr);
            verdict.expected = cidr + " via " + peer.addresses[0].to_string();
            verdict.observed =
                status == Status::pass ? verdict.expected : "no match (network is unreachable)";
        }
    }
    for (const InventoryHost& host : report.inventory.hosts)
        if (!host.pod_cidrs.empty())
            add_check(report, Layer::forwarding, "forwarding-enabled", host.name, "IPv4", Status::pass,
                      "forwarding is on");
}

HostChange some_remedy(const std::string& host) {
    return {host, {RouteObject{}, std::nullopt, Route{}}};
}

Diagnosis missing_route(const InventoryHost& host, const InventoryHost& peer) {
    Diagnosis diagnosis;
    Cause& cause = diagnosis.cause;
    const std::string cidr = peer.pod_cidrs[0].to_string();
    cause.code = "route-missing";
    cause.host = host.name;
    cause.subject = cidr;
    cause.summary = fmt::format("{} has no route to the pod network of {}", host.name, peer.name);
    cause.remedy = {some_remedy(host.name)};
    cause.commands = {
        fmt::format("ssh root@{} ip route add {} via {}", host.name, cidr, peer.addresses[0].to_string())};
    cause.automatic = Automatic::add;
    diagnosis.affects = {"route-present/" + host.name + "/" + cidr};
    return diagnosis;
}

void add_path(Report& report, const std::string& from, const std::string& to, const std::string& leg,
              bool works, const std::string& stop) {
    PathReport path;
    path.source = leg == "request" ? from : to;
    path.destination = leg == "request" ? to : from;
    path.leg = leg;
    path.expected = {path.source.substr(path.source.find(' ') + 1),
                     path.destination.substr(path.destination.find(' ') + 1)};
    path.hops = works ? path.expected : std::vector<std::string>{stop};
    path.status = works ? "pass" : "fail";
    path.reason = works ? "" : "no route";
    report.paths.push_back(std::move(path));
}

const InventoryHost& host(const Report& report, const std::string& name) {
    return *report.inventory.find(name);
}

}  // namespace

Report failing() {
    Report report = cluster(2);
    report.verdict = RunVerdict::fail;
    report.exit_code = 1;
    add_checks(report, [](const std::string& on, const std::string& to) {
        return on == "node-0" && to == "node-1" ? Status::fail : Status::pass;
    });
    add_path(report, "pod node-0", "pod node-1", "request", false, "node-0");
    add_path(report, "pod node-1", "pod node-0", "request", true, "");
    add_path(report, "pod node-1", "pod node-0", "reply", false, "node-0");
    report.pairs.broken = report.pairs.explained = 2;
    Diagnosis diagnosis = missing_route(host(report, "node-0"), host(report, "node-1"));
    diagnosis.explains = 2;
    diagnosis.cause.evidence = {"pod node-0 → pod node-1   request stops at node-0: no route",
                                "pod node-1 → pod node-0   request arrives, reply stops at node-0: no route"};
    report.diagnoses.push_back(std::move(diagnosis));
    return report;
}

Report passing() {
    Report report = cluster(2);
    report.verdict = RunVerdict::pass;
    report.exit_code = 0;
    add_checks(report, [](const std::string&, const std::string&) { return Status::pass; });
    return report;
}

Report inconclusive() {
    Report report = cluster(3);
    report.verdict = RunVerdict::unknown;
    report.exit_code = 3;
    report.pairs.unknown = 6;
    add_checks(report, [](const std::string& on, const std::string&) {
        return on == "node-2" ? Status::unknown : Status::pass;
    });
    Counts& counts = report.checks_summary;
    counts = {};
    for (CheckResult& check : report.checks) {
        Verdict& verdict = check.verdict;
        if (verdict.host == "node-2") {
            verdict.status = verdict.layer == Layer::access ? Status::fail : Status::unknown;
            verdict.message =
                verdict.layer == Layer::access ? "nobody may log in" : "not read: nobody may log in";
            verdict.observed.clear();
            verdict.expected.clear();
            if (verdict.layer != Layer::access) verdict.blocked_by = "ssh-auth-failed";
        }
        count(report, verdict.status);
    }
    Diagnosis diagnosis;
    diagnosis.cause.code = "ssh-auth-failed";
    diagnosis.cause.host = "node-2";
    diagnosis.cause.subject = "root@10.240.0.22:22";
    diagnosis.cause.summary = "node-2 refused the login of root";
    diagnosis.cause.evidence = {"offered: publickey (id_ed25519), none accepted",
                                "the server allows: publickey"};
    diagnosis.cause.commands = {"ssh-copy-id -p 22 root@10.240.0.22"};
    diagnosis.affects = {"host-access/node-2/10.240.0.22"};
    report.diagnoses.push_back(std::move(diagnosis));
    return report;
}

Report no_routes(int nodes) {
    Report report = cluster(nodes);
    report.run.duration_ms = 2140;
    report.verdict = RunVerdict::fail;
    report.exit_code = 1;
    add_checks(report, [](const std::string&, const std::string&) { return Status::fail; });
    report.pairs.broken = report.pairs.explained = report.pairs.total;
    for (const InventoryHost& on : report.inventory.hosts) {
        for (const InventoryHost& peer : report.inventory.hosts) {
            if (peer.name == on.name || peer.pod_cidrs.empty()) continue;
            Diagnosis diagnosis = missing_route(on, peer);
            diagnosis.explains = 2;
            const bool pods = !on.pod_cidrs.empty();
            diagnosis.cause.evidence = {fmt::format("{} {} → pod {}   request stops at {}: no route",
                                                    pods ? "pod" : "node", on.name, peer.name, on.name),
                                        fmt::format("pod {} → {} {}   reply stops at {}: no route", peer.name,
                                                    pods ? "pod" : "node", on.name, on.name)};
            if (pods) {
                diagnosis.together_with = {
                    fmt::format("route-missing/{}/{}", peer.name, on.pod_cidrs[0].to_string())};
            }
            report.diagnoses.push_back(std::move(diagnosis));
            if (report.paths.size() < kMaxPaths)
                add_path(report, (pods ? "pod " : "node ") + on.name, "pod " + peer.name, "request", false,
                         on.name);
        }
    }
    return report;
}

Report mixed() {
    Report report = cluster(3);
    report.verdict = RunVerdict::fail;
    report.exit_code = 1;
    report.run.duration_ms = 10'340;
    add_checks(report, [](const std::string&, const std::string&) { return Status::pass; });
    report.checks_summary = {};
    for (CheckResult& check : report.checks) {
        Verdict& verdict = check.verdict;
        if (verdict.host == "node-2") {
            const bool access = verdict.layer == Layer::access;
            verdict.status = access ? Status::fail : Status::unknown;
            verdict.message = access ? "no connection" : "not read: no connection to node-2";
            if (!access) verdict.blocked_by = "host-unreachable";
            verdict.expected = verdict.observed = "";
        }
        if (verdict.host == "node-1" && verdict.layer == Layer::forwarding) {
            verdict.status = Status::fail;
            verdict.message = "forwarding is off";
            verdict.expected = "net.ipv4.ip_forward = 1";
            verdict.observed = "net.ipv4.ip_forward = 0";
        }
        count(report, verdict.status);
    }
    add_check(report, Layer::forwarding, "firewall-kind", "node-0", "iptables", Status::warn,
              "two kinds of rules");
    add_check(report, Layer::forwarding, "reverse-path", "server", "eth0", Status::skip,
              "server holds no pods");
    add_check(report, Layer::links, "neighbours", "node-0", "10.240.0.21", Status::unknown,
              "the neighbour table of node-0 was not read: netlink answered EPERM");
    report.pairs = {12, 4, 6, 4};
    add_path(report, "pod node-0", "pod node-1", "request", false, "node-1");
    add_path(report, "pod node-1", "pod node-0", "request", false, "node-1");
    add_path(report, "node server", "pod node-1", "request", false, "node-1");

    Diagnosis unreachable;
    unreachable.cause.code = "host-unreachable";
    unreachable.cause.host = "node-2";
    unreachable.cause.subject = "10.240.0.22:22";
    unreachable.cause.summary =
        "node-2 does not answer: connecting to 10.240.0.22 port 22 timed out after 10 s";
    unreachable.cause.evidence = {
        "node-0 and node-1 cannot resolve 10.240.0.22 on eth0 either (neighbour entry FAILED)"};
    unreachable.cause.commands = {"ssh -v -o ConnectTimeout=10 root@10.240.0.22 true"};
    unreachable.affects = {"host-access/node-2/10.240.0.22"};
    Diagnosis forwarding;
    forwarding.cause.code = "forwarding-disabled";
    forwarding.cause.host = "node-1";
    forwarding.cause.subject = "net.ipv4.ip_forward";
    forwarding.cause.summary =
        "node-1 does not forward IPv4, so its pods reach nobody and nobody reaches them";
    forwarding.cause.evidence = {
        "pod node-0 → pod node-1   request stops at node-1: forwarding is off on eth0"};
    forwarding.cause.commands = {
        "ssh root@node-1 sysctl -w net.ipv4.ip_forward=1",
        "ssh root@node-1 \"echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/90-podroute-forwarding.conf\""};
    forwarding.cause.remedy = {some_remedy("node-1")};
    forwarding.affects = {"forwarding-enabled/node-1/IPv4"};
    forwarding.explains = 4;
    Diagnosis warning;
    warning.cause.code = "firewall-mixed";
    warning.cause.severity = Severity::warning;
    warning.cause.host = "node-0";
    warning.cause.subject = "iptables";
    warning.cause.summary = "node-0 holds rules of iptables-legacy and of iptables-nft";
    warning.cause.evidence = {"legacy: 4 rules in filter", "nft: 12 rules in filter, 8 in nat"};
    warning.affects = {"firewall-kind/node-0/iptables"};
    report.diagnoses = {forwarding, unreachable, warning};
    return report;
}

namespace {

Endpoint pod(const std::string& name, const std::string& address) {
    return {name, Vantage::pod, Address::parse(address).value()};
}

void add_probe(Report& report, const Endpoint& from, const Endpoint& to, Protocol protocol,
               std::uint32_t arrived, std::optional<StoppedAt> stopped_at) {
    ProbeReport probe;
    probe.source = from;
    probe.destination = to;
    probe.protocol = protocol;
    probe.size = 64;
    probe.sent = stopped_at ? 20 : 3;
    probe.arrived = arrived;
    probe.answered = stopped_at ? 0 : arrived;
    if (!stopped_at) probe.round_trips = RoundTrips{390, 412, 900};
    probe.stopped_at = std::move(stopped_at);
    report.probes_summary.sent += probe.sent;
    report.probes_summary.arrived += probe.arrived;
    report.probes_summary.answered += probe.answered;
    const bool fails = probe.answered < probe.sent;
    Verdict& verdict = add_check(report, protocol == Protocol::icmp ? Layer::icmp : Layer::tcp,
                                 "pod-" + std::string(to_string(protocol)), from.host,
                                 to_string(from) + " → " + to_string(to), fails ? Status::fail : Status::pass,
                                 fails ? "none answered" : "3 of 3 answered");
    verdict.peer = to.host;
    ++report.probed.total;
    if (fails) ++report.probed.broken;
    report.probes.push_back(std::move(probe));
}

}  // namespace

Report packets() {
    Report report = passing();
    report.verdict = RunVerdict::fail;
    report.exit_code = 1;
    const Endpoint a = pod("node-0", "10.200.0.211"), b = pod("node-1", "10.200.1.198");
    const StoppedAt request{"node-1", "eth0", ProbeLeg::request};
    add_probe(report, a, b, Protocol::icmp, 0, request);
    add_probe(report, b, a, Protocol::icmp, 20, StoppedAt{"node-1", "eth0", ProbeLeg::reply});
    add_probe(report, a, b, Protocol::tcp, 0, request);
    report.probes.back().objections = {{b.address, 0, 0, true, 0, 0, 3},
                                       {Address::parse("10.240.0.21").value(), 3, 4, false, 1400, 0, 17}};
    add_probe(report, b, a, Protocol::tcp, 3, std::nullopt);
    report.paths = {{"pod node-0",
                     "pod node-1",
                     "request",
                     {"node-0", "node-1"},
                     {"node-0", "node-1"},
                     "fail",
                     "inside node-1, last seen at eth0",
                     {{"node-0", "pod link", true, 20, 1},
                      {"node-0", "cnio0", false, 20},
                      {"node-0", "eth0", true, 20},
                      {"10.240.0.1", "", false, 0, 2},
                      {"node-1", "eth0", false, 20, 3}},
                     Protocol::icmp},
                    {"pod node-1",
                     "pod node-0",
                     "request",
                     {"node-1", "node-0"},
                     {"node-1", "node-0"},
                     "pass",
                     "",
                     {{"node-1", "pod link", true, 20},
                      {"node-1", "cnio0", false, 20},
                      {"node-1", "eth0", true, 20},
                      {"node-0", "eth0", false, 20},
                      {"node-0", "cnio0", true, 20},
                      {"node-0", "pod link", false, 20}},
                     Protocol::icmp},
                    {"pod node-1",
                     "pod node-0",
                     "reply",
                     {"node-0", "node-1"},
                     {"node-0", "node-1"},
                     "fail",
                     "inside node-1, last seen at eth0",
                     {{"node-0", "pod link", true, 20},
                      {"node-0", "cnio0", false, 20},
                      {"node-0", "eth0", true, 20},
                      {"node-1", "eth0", false, 20}},
                     Protocol::icmp}};
    Diagnosis diagnosis;
    diagnosis.cause.code = "firewall-drop";
    diagnosis.cause.host = "node-1";
    diagnosis.cause.subject = "icmp and tcp";
    diagnosis.cause.summary = "the firewall of node-1 drops packets: they enter it and do not leave";
    diagnosis.cause.evidence = {
        "pod node-0 → pod node-1   icmp request last seen at eth0 of node-1, 0 of 20 arrived"};
    diagnosis.cause.commands = {"ssh root@node-1 iptables-save -c", "ssh root@node-1 nft list ruleset"};
    diagnosis.explains = report.probed.explained = 3;
    for (const CheckResult& check : report.checks)
        if (check.verdict.status == Status::fail) diagnosis.affects.push_back(check.id);
    report.diagnoses.push_back(std::move(diagnosis));
    return report;
}

Report aborted() {
    const Report cluster_of_three = cluster(2);
    RunInfo run = cluster_of_three.run;
    run.duration_ms = 0;
    return aborted_report(run, cluster_of_three.inventory,
                          {"aborted", "the run was ended before it came to a verdict", ""});
}

Report hostile() {
    Report report = failing();
    const std::string nasty =
        "a\x1b[2J\x1b]0;owned\x07\r\nPASSED \xc2\x9b"
        "31m\xe2\x80\xae"
        "desrever\xff\xfe\xc0\xaf]]><x y=\"&\">\x7f\xf0\x9f\x98\x80";
    for (CheckResult& check : report.checks) {
        check.verdict.message += nasty;
        check.verdict.observed += nasty;
    }
    Cause& cause = report.diagnoses[0].cause;
    cause.summary += " " + nasty;
    cause.subject = nasty;
    cause.evidence = {nasty, std::string(3000, 'x'), std::string("nul\0byte", 8)};
    cause.commands = {"ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21\n" + nasty};
    report.paths[0].destination = "pod " + nasty;
    return report;
}

namespace {

Fix a_fix(FixStatus status, const std::string& reason) {
    Fix fix;
    fix.id = "node-0/route-missing/10.200.1.0/24";
    fix.host = "node-0";
    fix.cause = "route-missing";
    Route route;
    route.destination = Prefix::parse("10.200.1.0/24").value();
    route.protocol = 112;
    route.next_hops = {{Address::parse("10.240.0.21").value(), 2, 0, 1}};
    fix.change = {RouteObject{route.destination}, std::nullopt, State{route}};
    fix.command = "ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21 proto 112";
    fix.status = status;
    fix.reason = reason;
    fix.diff = {"+ 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112"};
    return fix;
}

Fix forwarding_fix(FixStatus status, const std::string& reason) {
    Fix fix;
    fix.id = "node-1/forwarding-disabled/net.ipv4.ip_forward";
    fix.host = "node-1";
    fix.cause = "forwarding-disabled";
    using Values = std::map<std::string, std::string>;
    fix.change = {
        SysctlSetObject{"ipv4/ip_forward"},
        State{Values{{"ipv4/ip_forward", "0"}, {"ipv4/conf/eth0/forwarding", "0"}}},
        State{Values{{"ipv4/ip_forward", "1"}, {"ipv4/conf/eth0/forwarding", "1"}}},
    };
    fix.command = "ssh root@node-1 sysctl -w net.ipv4.ip_forward=1";
    fix.status = status;
    fix.reason = reason;
    fix.diff = {"- net.ipv4.ip_forward = 0", "+ net.ipv4.ip_forward = 1"};
    return fix;
}

}  // namespace

Report planned() {
    Report report = failing();
    report.fixes = {
        a_fix(FixStatus::planned, ""),
        forwarding_fix(FixStatus::refused,
                       "its IPv6 default route comes from router advertisements on eth0 and would go "
                       "at once: set accept_ra of eth0 to 2 first")};
    return report;
}

Report fixed() {
    Report report = passing();
    report.fixes = {a_fix(FixStatus::applied, ""),
                    forwarding_fix(FixStatus::reverted, "a lookup does not show it")};
    return report;
}

std::vector<Sample> all() {
    return {{"failing", failing()},        {"passing", passing()}, {"inconclusive", inconclusive()},
            {"no-routes-3", no_routes(2)}, {"mixed", mixed()},     {"aborted", aborted()},
            {"hostile", hostile()},        {"planned", planned()}, {"fixed", fixed()},
            {"packets", packets()}};
}

}  // namespace podroute::samples
