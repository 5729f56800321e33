// The files of the SSL block. They are root's as a rule, and the lvs role is not: the reader puts what is in them
// beside the paths, in the snapshot that only this role gets, so that it has them after each restart too.
#pragma once

#include <cstddef>

#include "mainstay/config/model.hpp"

namespace mainstay::role {

// Of one file; a bundle of authorities has a few hundred thousand bytes.
inline constexpr std::size_t kTlsFileMax = std::size_t{4} * 1024 * 1024;

// Adds "key contents" and its like to the SSL block, or the "problem" why one of them cannot be read.
void add_tls_contents(config::Config& config);

}  // namespace mainstay::role
