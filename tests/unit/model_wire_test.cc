// The wire's codec: what goes in comes out, and hostile bytes end in an error.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/wire.h"

namespace podroute {
namespace {

std::string body(const std::string& message) {
    EXPECT_EQ(*message_length(message) + 4, message.size());
    return message.substr(4);
}

HostFacts sample_facts() {
    HostFacts facts;
    facts.hostname = "node-0";
    facts.links =
        std::vector<Link>{{2, "eth0", "veth", 0x11043, 1500, "02:00:00:00:00:01", 0, 6, true, false}};
    Route route;
    route.destination = *Prefix::parse("10.200.1.0/24");
    route.table = 0;
    route.type = RouteType::throw_;
    route.next_hops = {{*Address::parse("10.240.0.21"), 2, 0, 1}, {std::nullopt, 3, 16, 0}};
    facts.routes = std::vector{route};
    facts.rules = Unknown{"permission denied", "agent-failed", "run as root"};
    facts.sysctls["ipv4/ip_forward"] = std::string("1");
    facts.sysctls["ipv4/conf/eth0.5/rp_filter"] = Unknown{"gone", "", ""};
    return facts;
}

TEST(Wire, FactsKeepEveryFieldAndWhatIsUnknown) {
    const auto facts = sample_facts();
    const auto reply = decode_reply(body(encode(Reply{facts})));
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(std::get<HostFacts>(*reply), facts);
    EXPECT_FALSE(std::get<HostFacts>(*reply).addresses.known());
}

// Answers that differ in their question alone are written as one, and come back each in its place.
TEST(Wire, FibAnswersKeepTheirOrderAndQuestions) {
    const auto to = [](const char* address, std::optional<Address> source = {}) {
        return FibQuery{*Address::parse(address), source, source ? "cnio0" : "", 0, 0, 0};
    };
    FibAnswer near;
    near.type = RouteType::unicast;
    near.table = kTableMain;
    near.matched = *Prefix::parse("10.240.0.0/16");
    near.next_hops = {{std::nullopt, 2, 0, 1}};
    FibAnswer none;
    none.error = 101;
    HostFacts facts = sample_facts();
    facts.fib = std::vector<FibAnswer>{};
    const auto add = [&](FibAnswer answer, FibQuery query) {
        answer.query = std::move(query);
        facts.fib->push_back(std::move(answer));
    };
    for (const char* last : {"1", "2", "3"}) add(near, to((std::string("10.240.0.") + last).c_str()));
    add(none, to("10.200.1.1"));
    add(none, to("10.200.1.1", Address::parse("10.200.0.2").value()));
    add(near, to("10.240.0.4"));
    const auto bytes = body(encode(Reply{facts}));
    EXPECT_EQ(std::get<HostFacts>(*decode_reply(bytes)), facts);
    std::size_t written = 0;
    for (auto at = bytes.find("matched"); at != std::string::npos; at = bytes.find("matched", at + 1))
        ++written;
    EXPECT_EQ(written, 2U);
}

TEST(Wire, FramesTravelAsRawBytes) {
    EXPECT_TRUE(rc::check([](const std::vector<std::vector<std::uint8_t>>& payloads) {
        Fire fire;
        CollectReply reply{{}, 7};
        for (const auto& p : payloads) {
            fire.frames.push_back({2, 0, p});
            reply.frames.push_back({3, 12345, p});
        }
        RC_ASSERT(std::get<Fire>(*decode_request(encode(Request{fire}).substr(4))).frames == fire.frames);
        const auto back = std::get<CollectReply>(*decode_reply(encode(Reply{reply}).substr(4)));
        RC_ASSERT(back.frames == reply.frames && back.dropped == 7U);
    }));
}

TEST(Wire, EveryRequestKeepsItsType) {
    const std::vector<Request> all{Hello{}, Gather{},  Lookup{}, Solicit{}, Arm{},
                                   Fire{},  Collect{}, Ping{},   Bye{}};
    for (const auto& request : all)
        EXPECT_EQ(decode_request(body(encode(request)))->index(), request.index());
}

TEST(Wire, PodsAndWhatWasNotSentKeepEveryField) {
    const OpenedPod pod{2, 7, 3, "02:00:00:00:00:01", "fe:ff:ff:00:00:01", 1450, "cnio0"};
    const auto opened = decode_reply(body(encode(Reply{OpenPodReply{{pod}}})));
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(std::get<OpenPodReply>(*opened).pods, std::vector{pod});
    const auto fired = decode_reply(body(encode(Reply{FireReply{5, {{1, 90}, {4, 1}}, 123'456'789'012}})));
    ASSERT_TRUE(fired) << fired.error().text;
    EXPECT_EQ(std::get<FireReply>(*fired).sent, 5U);
    EXPECT_EQ(std::get<FireReply>(*fired).unsent, (std::vector<Unsent>{{1, 90}, {4, 1}}));
    EXPECT_EQ(std::get<FireReply>(*fired).started_us, 123'456'789'012U);
}

TEST(Wire, RefusesLengthsOutOfBounds) {
    EXPECT_FALSE(message_length(std::string_view("\0\0\0\0", 4)));
    EXPECT_FALSE(message_length("\xff\xff\xff\xff"));
    EXPECT_FALSE(message_length("ab"));
}

TEST(Wire, RefusesDeepNestingUnknownTypesAndLies) {
    const auto message = [](char type, const std::string& head, std::size_t claimed) {
        std::string m(1, type);
        for (int shift = 24; shift >= 0; shift -= 8) m.push_back(static_cast<char>(claimed >> shift & 0xff));
        return m + head;
    };
    const std::string deep(2'000'000, '[');
    EXPECT_FALSE(decode_reply(message(1, deep, deep.size())));
    EXPECT_FALSE(decode_reply(message(99, "{}", 2)));
    EXPECT_FALSE(decode_reply(message(1, "{}", 3)));
    EXPECT_FALSE(decode_reply(message(1, R"({"links":7})", 11)));
}

// Whatever a host says of its frames: how many, how long, and where they end.
TEST(Wire, FramesThatLieAreRefused) {
    CollectReply reply;
    reply.frames.push_back({3, 12345, {1, 2, 3, 4}, 1, true});
    const std::string good = encode(Reply{reply}).substr(4);
    ASSERT_EQ(std::get<CollectReply>(*decode_reply(good)).frames, reply.frames);
    for (std::size_t cut = 1; cut <= 25; ++cut)
        EXPECT_FALSE(decode_reply(good.substr(0, good.size() - cut))) << cut;
    EXPECT_FALSE(decode_reply(good + "x"));
    std::string longer = good;
    longer[longer.size() - 5] = 5;  // its length
    EXPECT_FALSE(decode_reply(longer));
    std::string more = good;
    const auto at = more.find("\"frames\":1");
    ASSERT_NE(at, std::string::npos);
    for (const char count : {'0', '2', '9'}) {
        more[at + 9] = count;
        EXPECT_FALSE(decode_reply(more)) << count;
    }
}

TEST(Wire, AnyBytesEndInAValueOrAnError) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        static_cast<void>(decode_reply(bytes));
        static_cast<void>(decode_request(bytes));
    }));
}

TEST(Wire, AChangedByteNeverCrashes) {
    const std::string message = encode(Reply{sample_facts()}).substr(4);
    EXPECT_TRUE(rc::check([&] {
        std::string changed = message;
        changed[*rc::gen::inRange<std::size_t>(0, changed.size())] = *rc::gen::arbitrary<char>();
        static_cast<void>(decode_reply(changed));
    }));
}

}  // namespace
}  // namespace podroute
