// The journal: what a fixer is about to change, on disk before the first write, so that whoever comes later
// can take it back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/change.h"

namespace podroute::agent {

struct Journal {
    std::uint32_t version = 1;
    std::string run;      // id of the run
    std::string started;  // RFC 3339
    std::string boot;     // kernel.random.boot_id of the machine: changes do not outlive it
    std::string network;  // cookie of the network namespace (SO_NETNS_COOKIE), empty where there is none
    std::vector<Change> changes;  // those that are written, in order
    bool operator==(const Journal&) const = default;
};

// A word of a run that may be part of a file's and a unit's name: letters, digits, "._-", at most 64, no dot
// in front.
bool valid_run(std::string_view run);

std::string journal_to_json(const Journal& journal);
// Reads hostile bytes. Errors: "journal".
Result<Journal> journal_from_json(std::string_view bytes);

// The journals of this host's network namespace, in a directory that others of other namespaces may share:
// the inode of the namespace is part of a file's name.
class JournalFolder {
  public:
    // `network` is that inode.
    JournalFolder(std::string directory, std::string network)
        : directory_(std::move(directory)), suffix_("-" + std::move(network) + ".json") {}

    // Writes a new file (0600 in a directory of 0700), whole and synchronised, or nothing. Until it is whole
    // it has another name, which clear() knows. Errors: "journal": there is one of that run, no space, a
    // read-only file system, a directory that is not root's alone.
    Result<void> store(const Journal& journal) const;
    // Path of the first journal of this namespace, by name; nothing if there is none. Errors: "journal".
    Result<std::optional<std::string>> first() const;
    // Errors: "journal", with the path in the text: unreadable, not a plain file of root alone, damaged.
    static Result<Journal> load(const std::string& path);
    // Removes it, and the directory if nothing else is in it. Errors: "journal".
    Result<void> remove(const std::string& path) const;
    // True if there is a directory. Errors: "journal".
    Result<bool> exists() const;
    // Removes what a store() or remove() that was killed left: a journal that was not whole, whose changes
    // were not begun, and a directory with nothing in it. To be called by the holder of the fixer's socket.
    // Errors: "journal".
    Result<void> clear() const;
    std::string path_of(const std::string& run) const { return directory_ + "/" + run + suffix_; }

  private:
    Result<int> open_directory(bool make) const;
    Result<std::vector<std::string>> names() const;

    std::string directory_, suffix_;
};

inline constexpr const char* kJournalDirectory = "/run/podroute";

// Of this process: inode of its network namespace, its cookie, and the machine's boot id; empty where
// unknown.
std::string network_inode();
std::string network_cookie();
std::string boot_id();

}  // namespace podroute::agent
