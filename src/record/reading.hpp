// What the readers of both machines' segments share.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "mainstay/base/byte_archive.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::record {

[[nodiscard]] std::unexpected<Error> damaged(std::string_view what);
// A configuration with its length in front.
[[nodiscard]] Result<std::shared_ptr<const config::Config>> read_configuration(ByteReader& in);

// False: a time in it is negative or more than a hundred years.
[[nodiscard]] bool has_possible_times(const config::Config& config);
[[nodiscard]] bool has_possible_times(const config::VirtualServer& service);

// The nanoseconds since the entry before, and from them the time of this one: refused beyond ByteReader::kTimeMax.
[[nodiscard]] Instant read_time(ByteReader& in, Instant last);

}  // namespace mainstay::record
