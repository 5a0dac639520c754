// The threads of a fleet.
#include "hosts/fleet.h"

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>

namespace podroute {
namespace {

constexpr std::size_t kStack = std::size_t{1}
                               << 20;            // bytes of address space; only touched pages cost memory
constexpr auto kPing = std::chrono::seconds(5);  // well within the agent's heartbeat
constexpr auto kPingTime = std::chrono::seconds(5);

Unknown internal_error(const std::exception& e) {
    return {std::string("an internal error: ") + e.what(), "agent-failed", ""};
}

}  // namespace

// One host's thread. It sleeps until there is work, and keeps the agent alive while it waits for slower
// hosts.
struct Fleet::Worker {
    const InventoryHost& host;
    const Opener& opener;
    std::mutex mutex;
    std::condition_variable changed;
    const Work* work = nullptr;
    bool done = false, ending = false;
    pthread_t thread{};

    Worker(const InventoryHost& h, const Opener& o) : host(h), opener(o) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, kStack);
        const int bad = pthread_create(
            &thread, &attributes,
            [](void* self) -> void* {
                static_cast<Worker*>(self)->loop();
                return nullptr;
            },
            this);
        pthread_attr_destroy(&attributes);
        if (bad != 0) throw std::system_error(bad, std::generic_category(), "a thread for " + h.name);
    }

    tl::expected<std::unique_ptr<HostLink>, Unknown> open() {
        try {
            return opener(host);
        } catch (const std::exception& e) {
            return tl::unexpected(internal_error(e));
        }
    }

    void loop() {
        std::unique_ptr<HostLink> link;
        std::optional<Unknown> unknown;
        bool opened = false;
        std::unique_lock lock(mutex);
        for (;;) {
            const bool woken =
                changed.wait_for(lock, kPing, [&] { return ending || (work != nullptr && !done); });
            if (ending) return;
            const Work* const mine = work;
            lock.unlock();
            if (!woken) {
                if (link) static_cast<void>(link->call(Ping{}, std::chrono::steady_clock::now() + kPingTime));
                lock.lock();
                continue;
            }
            if (!opened) {
                opened = true;
                if (auto result = open(); result)
                    link = std::move(*result);
                else
                    unknown = result.error();
            }
            try {
                (*mine)(host, link.get(), unknown ? &*unknown : nullptr);
            } catch (const std::exception& e) {
                // What was half done is unknown, and so is what would follow.
                link.reset();
                unknown = internal_error(e);
                (*mine)(host, nullptr, &*unknown);
            }
            lock.lock();
            done = true;
            changed.notify_all();
        }
    }
};

Fleet::Fleet(Inventory inventory, Opener opener)
    : inventory_(std::move(inventory)), opener_(std::move(opener)) {
    try {
        for (const auto& host : inventory_.hosts) workers_.push_back(std::make_unique<Worker>(host, opener_));
    } catch (...) {
        end();
        throw;
    }
}

Fleet::~Fleet() {
    end();
}

void Fleet::end() {
    for (auto& w : workers_) {
        const std::scoped_lock lock(w->mutex);
        w->ending = true;
        w->changed.notify_all();
    }
    for (auto& w : workers_) pthread_join(w->thread, nullptr);
    workers_.clear();
}

void Fleet::run(const Work& work) {
    for (auto& w : workers_) {
        const std::scoped_lock lock(w->mutex);
        w->work = &work;
        w->done = false;
        w->changed.notify_all();
    }
    for (auto& w : workers_) {
        std::unique_lock lock(w->mutex);
        w->changed.wait(lock, [&] { return w->done; });
        w->work = nullptr;
    }
}

}  // namespace podroute
