// The parts of the terminal report, and the page they write on. Internal to reports/.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/report.h"
#include "reports/terminal.h"

namespace podroute::terminal {

// Red: errors. Yellow: warnings and unknown. Cyan: note and help. Bold: headlines. Nothing else.
enum class Ink : std::uint8_t { plain, bold, red, yellow, cyan };

class Page {
  public:
    explicit Page(const TerminalOptions& options) : options_(options) {}
    const TerminalOptions& options() const { return options_; }
    std::size_t width() const { return options_.width; }

    // Text from the report, made safe for this terminal.
    std::string clean(std::string_view text, std::size_t max_bytes = 1000) const;
    std::string paint(Ink ink, std::string_view text) const;
    // One line as it stands; trailing blanks go.
    void line(std::string_view text = {});
    // `text`, already clean, after `first`, continued after `next`; colours in them take up no column.
    void wrapped(const std::string& first, const std::string& next, std::string_view text,
                 Ink ink = Ink::plain);
    std::string take() { return std::move(out_); }

  private:
    const TerminalOptions& options_;
    std::string out_;
};

// Causes of one code on one host, shown as one.
struct Block {
    std::vector<const Diagnosis*> diagnoses;  // never empty
    const Cause& cause() const { return diagnoses.front()->cause; }
};

// What blocks look up in the report.
struct Lookup {
    explicit Lookup(const Report& report);
    const Report& report;
    std::map<std::string_view, const CheckResult*> checks;  // by id
};

// What failed pairs are counted by: packets where some were sent, else what the tables predict.
const PairCounts& tested_pairs(const Report& report);
std::string failed_pairs(const Report& report, std::size_t n);  // "4 failed probes", "2 broken pairs"

void write_header(Page& page, const Report& report);
void write_layers(Page& page, const Report& report);
void write_checks(Page& page, const Report& report);  // every check, for --verbose
void write_blocks(Page& page, const Lookup& lookup);
void write_unknowns(Page& page, const Lookup& lookup);  // what is unknown for a reason that no cause names
void write_fixes(Page& page, const Report& report);     // what --fix or undo planned and did
void write_footer(Page& page, const Report& report);
std::string undo_line(const Page& page, const Report& report);  // the last line of an undo
std::string last_line(const Page& page, const Report& report);

std::string duration_text(std::int64_t ms);  // "0.9 s", "2 min 5 s"
std::vector<Block> fold(const Report& report, bool each_alone);

}  // namespace podroute::terminal
