// Which errors of a file an earlier one had, too: errors are the same by their code and text, wherever they stand.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mainstay/config/load.hpp"

namespace mainstay::config {

// A number for each error of the file, of at most kErrorMarksMax of them.
using ErrorMarks = std::vector<std::uint64_t>;
inline constexpr std::size_t kErrorMarksMax = 1'000;
[[nodiscard]] ErrorMarks error_marks(const Loaded& loaded);

struct SortedErrors {
    std::vector<const Diagnostic*> fresh;  // in `loaded`, in its order
    std::size_t known = 0;
};
[[nodiscard]] SortedErrors sort_errors(const Loaded& loaded, const ErrorMarks& of_earlier);

}  // namespace mainstay::config
