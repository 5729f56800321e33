// Compares the files of two directors: what must be the same on both, what must differ, and whether a failing check on
// one of them can move the addresses to the other. Pure.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/diagnostics/diagnostic.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

struct PairFinding {
    enum class Where : std::uint8_t { First, Second, Both };  // the file that has to be changed
    Severity severity = Severity::Warning;
    Code code = Code::PairAddresses;
    Where where = Where::Both;
    std::string what;  // "VI_1: ...": the two values and their consequence; never a password
    std::string fix;   // may be empty
    bool operator==(const PairFinding&) const = default;
};

// Short names of the two files, for use in sentences.
struct PairNames {
    std::string first = "A", second = "B";
};

// Instances correspond if they have the same virtual_router_id and family; of several, the one on an interface with the
// same name. In the order of the first file; virtual servers last.
[[nodiscard]] std::vector<PairFinding> compare_pair(const Config& first, const Config& second, const PairNames& names);

// "A, B: error MS0603: ...", and the fix on a line of its own.
[[nodiscard]] std::string render(const PairFinding& finding, const PairNames& names, bool colour);

}  // namespace mainstay::config
