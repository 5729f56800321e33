// A spool in the folder of a test.
#pragma once

#include <doctest/doctest.h>

#include <utility>

#include "mainstay/alert/spool.hpp"
#include "temp_folder.hpp"

namespace mainstay::alert {

inline Spool opened(const TempFolder& folder, SpoolLimits limits = {}) {
    auto spool = Spool::open(folder.path("spool"), limits);
    REQUIRE(spool.has_value());
    return std::move(*spool);
}

}  // namespace mainstay::alert
