// The busiest services and servers of a status document. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// The `most` busiest services, then the `most` busiest servers, by bytes and then connections per second. Without
// traffic in the document: how it is turned on. Errc::Invalid: the text is not such a document.
[[nodiscard]] Result<std::string> busiest(std::string_view answer, std::size_t most);

}  // namespace mainstay::cli
