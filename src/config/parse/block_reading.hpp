// What one of keepalived's processes reads of a file whose braces do not fit (block_walk.hpp).
#pragma once

#include <set>
#include <vector>

#include "block_walk.hpp"

namespace mainstay::config {

// keepalived's processes. The first ones come first where two of them take the same block.
enum class Process : std::uint8_t { Bfd, Vrrp, Checkers, Main };
inline constexpr Process kProcesses[]{Process::Bfd, Process::Vrrp, Process::Checkers, Process::Main};

struct Finding {
    BraceFault fault;
    std::uint32_t until = 0;  // UnknownBlock: where it ends
    std::uint32_t depth = 0;  // blocks around it
    Process process{};
    bool line = false;    // an unknown line, which is no mistake of a brace
    bool silent = false;  // the cause has a message of its own
    bool homed = false;   // it would be a keyword elsewhere
};

struct Part {  // of a process's items: a block of the top level, or a line there
    std::size_t from = 0, to = 0;
    std::uint32_t offset = 0;
    bool unknown = false;
};

// What one process reads.
struct Reading {
    Process process{};
    std::vector<WalkedFile::Item> items;
    std::vector<Part> parts;
    std::vector<Finding> findings;
    std::vector<std::uint32_t> excused;  // } that are too many because of an earlier finding, in ascending order
    std::set<Process> started;           // by the main process
    bool dropped = false;                // the process is not started: of its items only unknown lines are left
    bool fits = true;                    // no brace was missing or unexpected
    bool stops = false;                  // a word is missing, at which keepalived's -t ends, whether it starts or not
};

[[nodiscard]] Reading walk_as(Process process, std::string_view text);

}  // namespace mainstay::config
