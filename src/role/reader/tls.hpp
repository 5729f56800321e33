// Reads the files of the SSL block. Usually only root may read them, and the lvs role does not run as root: the reader
// puts their contents into the snapshot for the lvs role, which thus has them after each restart too.
#pragma once

#include <cstddef>

#include "mainstay/config/model.hpp"

namespace mainstay::role {

// The size limit of one file, in bytes; a bundle of CA certificates has a few hundred thousand.
inline constexpr std::size_t kTlsFileMax = std::size_t{4} * 1024 * 1024;

// Adds "key contents" and similar entries to the SSL block, or a "problem" entry if a file cannot be read.
void add_tls_contents(config::Config& config);

}  // namespace mainstay::role
