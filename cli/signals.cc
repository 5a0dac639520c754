// The thread that waits for signals.
#include "cli/signals.h"

#include <csignal>

namespace podroute::cli {
namespace {

sigset_t cancelling() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGINT, SIGTERM}) sigaddset(&set, s);
    // nohup(1): the run goes on when the terminal is gone.
    struct sigaction hangup {};
    if (sigaction(SIGHUP, nullptr, &hangup) != 0 || hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
    return set;
}

// The process ends as the signal would have ended it, so that a shell sees why.
void end_at_once(int signal_number) {
    const sigset_t set = cancelling();
    std::signal(signal_number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    raise(signal_number);
}

void wait_for_signals(const std::stop_token& ended, std::stop_source& run) {
    const sigset_t set = cancelling();
    for (;;) {
        const int got = sigwaitinfo(&set, nullptr);
        if (ended.stop_requested()) return;
        if (got < 0) continue;
        if (!run.request_stop()) end_at_once(got);
    }
}

}  // namespace

CancelOnSignal::CancelOnSignal() {
    const sigset_t set = cancelling();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    waiter_ =
        std::jthread([run = source_](const std::stop_token& ended) mutable { wait_for_signals(ended, run); });
}

CancelOnSignal::~CancelOnSignal() {
    waiter_.request_stop();
    pthread_kill(waiter_.native_handle(), SIGINT);  // wakes it
    waiter_.join();
}

}  // namespace podroute::cli
