// All hosts of a run at once: a thread for each, open until the run ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string_view>

#include "model/host_link.h"
#include "model/inventory.h"
#include "model/observed.h"

namespace podroute {

// Opens the link to one host; called on that host's thread.
using Opener = std::function<tl::expected<std::unique_ptr<HostLink>, Unknown>(const InventoryHost&)>;

// What the terminal shows while a run goes on. Called from many threads, under one lock.
struct ProgressEvent {
    std::string_view phase;  // "reaching hosts", "reading facts", "asking neighbours", "sending probes"
    std::size_t reached = 0, read = 0, total = 0;
};
using Progress = std::function<void(const ProgressEvent&)>;

// Threads: use from one thread; the work given to run() is called on many.
class Fleet {
  public:
    // A thread that cannot be started: std::system_error.
    Fleet(Inventory inventory, Opener opener);
    ~Fleet();  // ends the links, all at once, then the threads
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    // Calls `work` for every host on the host's own thread and returns when all are done (a barrier). The
    // first call opens the links. Of `link` and `unknown` one is given: the link, or why there is none. Work
    // that throws is called once more, without a link, and must bear that.
    using Work = std::function<void(const InventoryHost&, HostLink*, const Unknown*)>;
    void run(const Work& work);

  private:
    struct Worker;
    void end();

    const Inventory inventory_;
    const Opener opener_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace podroute
