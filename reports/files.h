// Report files that are whole at every moment: replaced in one step, red until the run has ended well.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/report.h"
#include "reports/junit.h"

namespace podroute {

// Replaces `path` in one step: a new file in the same directory, synced, renamed. A symbolic link stays and
// what it points to is replaced. Errors: "report-not-written", where = path: no such directory, no
// permission, disk full, or the path is no regular file (a device or FIFO would be replaced by a file).
Result<void> write_atomically(const std::string& path, std::string_view bytes);

// Whether two names are of one file, so that writing one replaces the other: behind symbolic links and other
// mounts, also before the file is there. Names that lead nowhere are of no file; devices, pipes and terminals
// are nothing that is replaced.
bool same_file(const std::string& a, const std::string& b);

struct ReportTargets {
    std::string json, junit;  // file names; empty: not asked for
    JunitOptions junit_options;
};

// API: open() at start, write() at the end. Between them every file is a valid report with verdict `aborted`,
// so that a run which is killed leaves red.
class ReportFiles {
  public:
    static Result<ReportFiles> open(ReportTargets targets, const Report& aborted);
    // All files or, where one cannot be written, none: else one would say that a run passed which did not end
    // well. Errors: as of write_atomically().
    Result<void> write(const Report& report) const;
    // Of a run that did not end well: each file that can be written.
    void write_what_can_be(const Report& report) const;

  private:
    explicit ReportFiles(ReportTargets targets) : targets_(std::move(targets)) {}
    std::vector<std::pair<std::string, std::string>> texts(const Report& report) const;  // by file name
    ReportTargets targets_;
};

}  // namespace podroute
