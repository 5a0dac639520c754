// A lab in which one host needs a fix of two objects, a route and the forwarding set, and runs of --fix that
// are disturbed in it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fixtures/lab/lab.h"
#include "fixtures/lab/residue.h"

namespace podroute::lab {

// A run of verify --fix, and its report (null where there is none that can be read).
struct FixRun {
    int exit_code = -1;
    std::string errors;
    nlohmann::json report;
    std::vector<std::string> statuses() const { return texts("status"); }
    std::vector<std::string> reasons() const { return texts("reason"); }

  private:
    std::vector<std::string> texts(const char* key) const;
};

// Shell text that waits until a relay has written its count to the file; who started it does not wait for it.
std::string counted(const std::string& file);

class KillLab : public testing::Test {
  protected:
    using Lines = std::vector<std::string>;

    // ctest runs every case in a process of its own, so that each has its own lab.
    static void SetUpTestSuite();
    static void TearDownTestSuite() { lab_.reset(); }
    // Breaks node-0, fixes it once, and breaks it again: before_ and after_ are what every other run is held
    // against, and turns_ is how that run's bytes went.
    void SetUp() override;

    static Finished jumpbox(const std::string& shell);
    static Finished node(const std::string& shell);  // in node-0, not over SSH
    static void break_node();
    // Over a relay with these options, or without one. Reports of runs at the same time need other names.
    static FixRun fix(const std::string& relay_options = {}, const std::string& name = "fix");
    static bool reachable();  // by ssh

    static Lines state();  // of node-0
    // The state once it is one of the two, or what it is when the patience is over.
    Lines settled() const;
    void expect_settled(const Lines& wanted) const;
    static bool eventually(const std::function<bool()>& condition);
    static std::string differences_of(const Lines& from, const Lines& to);

    // A turn: bytes that went one way without any the other way between. Of the host's session.
    struct Turn {
        bool up = false;                   // to the host
        std::uint64_t size = 0, sent = 0;  // bytes; sent: to the host before this turn
    };
    // Those behind the agent's upload, and which of them is the request to apply: the longest that goes up.
    std::vector<Turn> turns_;
    std::size_t apply_ = 0;

    Lines before_, after_;
    static std::unique_ptr<Lab> lab_;

  private:
    void read_turns();
};

}  // namespace podroute::lab
