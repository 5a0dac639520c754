// The threads of a fleet: opened once, a barrier after every step, closed all at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/hosts_fakes.h"

namespace podroute {
namespace {

using Opened = tl::expected<std::unique_ptr<HostLink>, Unknown>;

std::vector<std::string> many(int n) {
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) names.push_back("node-" + std::to_string(i));
    return names;
}

TEST(Fleet, OpensEveryHostOnceOnAThreadOfItsOwnAndWaitsForAll) {
    std::atomic<int> opened = 0, done = 0;
    std::mutex mutex;
    std::set<std::thread::id> threads;
    Fleet fleet(hosts_named(many(200)), [&](const InventoryHost&) -> Opened {
        ++opened;
        return std::make_unique<FakeLink>(plain_answer);
    });
    for (int step = 1; step <= 3; ++step) {
        fleet.run([&](const InventoryHost&, HostLink* link, const Unknown*) {
            ASSERT_NE(link, nullptr);
            ++done;
            const std::scoped_lock lock(mutex);
            threads.insert(std::this_thread::get_id());
        });
        EXPECT_EQ(done, 200 * step) << "run() is a barrier";
    }
    EXPECT_EQ(opened, 200);
    EXPECT_EQ(threads.size(), 200U);
}

TEST(Fleet, AHostThatCannotBeOpenedSaysWhyInEveryStep) {
    Fleet fleet(hosts_named({"a", "b"}), [](const InventoryHost& h) -> Opened {
        if (h.name == "b") return tl::unexpected(Unknown{"no answer", "host-unreachable", "ping"});
        return std::make_unique<FakeLink>(plain_answer);
    });
    for (int step = 0; step < 2; ++step)
        fleet.run([](const InventoryHost& h, HostLink* link, const Unknown* unknown) {
            EXPECT_EQ(link == nullptr, h.name == "b");
            ASSERT_EQ(unknown == nullptr, h.name == "a");
            if (unknown != nullptr) {
                EXPECT_EQ(unknown->code, "host-unreachable");
            }
        });
}

TEST(Fleet, AnExceptionOfOneOpenerIsThatHostsFailure) {
    Fleet fleet(hosts_named({"a", "b"}), [](const InventoryHost& h) -> Opened {
        if (h.name == "a") throw std::runtime_error("out of files");
        return std::make_unique<FakeLink>(plain_answer);
    });
    fleet.run([](const InventoryHost& h, HostLink*, const Unknown* unknown) {
        if (h.name == "a") {
            EXPECT_NE(unknown->why.find("out of files"), std::string::npos);
        }
    });
}

TEST(Fleet, AnExceptionOfTheWorkLeavesThatHostUnknown) {
    Fleet fleet(hosts_named({"a", "b"}),
                [](const InventoryHost&) -> Opened { return std::make_unique<FakeLink>(plain_answer); });
    std::mutex mutex;
    std::vector<std::string> said;
    for (int step = 0; step < 2; ++step)
        fleet.run([&](const InventoryHost& h, HostLink* link, const Unknown* unknown) {
            if (h.name == "a" && link != nullptr) throw std::runtime_error("out of memory");
            const std::scoped_lock lock(mutex);
            said.push_back(h.name + (unknown != nullptr ? ": " + unknown->why : ""));
        });
    std::sort(said.begin(), said.end());
    EXPECT_EQ(said, (std::vector<std::string>{"a: an internal error: out of memory",
                                              "a: an internal error: out of memory", "b", "b"}));
}

TEST(Fleet, LinksAreClosedAtTheSameTime) {
    struct Slow : HostLink {
        ~Slow() override { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }
        Result<Reply> call(const Request& r, Deadline) override { return plain_answer(r); }
    };
    auto start = std::chrono::steady_clock::now();
    {
        Fleet fleet(hosts_named(many(50)),
                    [](const InventoryHost&) -> Opened { return std::make_unique<Slow>(); });
        fleet.run([](const InventoryHost&, HostLink*, const Unknown*) {});
        start = std::chrono::steady_clock::now();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3))
        << "one after another takes 5 s";
}

TEST(Fleet, AnIdleFleetThatWasNeverUsedEnds) {
    std::atomic<int> opened = 0;
    {
        Fleet fleet(hosts_named(many(20)), [&](const InventoryHost&) -> Opened {
            ++opened;
            return {};
        });
    }
    EXPECT_EQ(opened, 0);
}

}  // namespace
}  // namespace podroute
