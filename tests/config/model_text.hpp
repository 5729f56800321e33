// A model as text, one line per object: what differs from the defaults of its struct.
#pragma once

#include <string>

#include "mainstay/config/model.hpp"

namespace mainstay::config::testing {

[[nodiscard]] std::string model_text(const Config& config);

}  // namespace mainstay::config::testing
