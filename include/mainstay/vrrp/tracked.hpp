// What an instance tracks, itself and through its sync group, and what that does to it: for status and the page.
#pragma once

#include <cstdint>
#include <string>

namespace mainstay::vrrp {

struct TrackedObject {
    enum class Kind : std::uint8_t { Interface = 0, Script = 1, File = 2, Process = 3, Bfd = 4 } kind = Kind::Interface;
    std::string name;
    bool known = false;  // a first result has come; an interface and a BFD session are always known
    bool up = false;     // of a file: it does not ask for FAULT
    int weight = 0;      // 0: FAULT instead of another priority
    bool reverse = false;
    int adds = 0;         // to the priority at the moment
    bool faults = false;  // it holds the instance in FAULT at the moment
    bool operator==(const TrackedObject&) const = default;
};

}  // namespace mainstay::vrrp
