// Reads the files of the SSL block. Usually only root may read them, and the lvs role does not run as root: the reader
// puts their contents into the snapshot for the lvs role, which thus has them after each restart too.
#pragma once

#include <cstddef>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::role {

// The size limit of one file, in bytes; a bundle of CA certificates has a few hundred thousand.
inline constexpr std::size_t kTlsFileMax = std::size_t{4} * 1024 * 1024;

// The contents of a regular file of at most kTlsFileMax bytes; never waits, as for a FIFO's writer.
[[nodiscard]] Result<std::string> regular_file(const std::string& path);

// The same of a file with a secret, which only its owner may be able to read.
[[nodiscard]] Result<std::string> secret_file(const std::string& path);

// Adds "key contents" and similar entries to the SSL block, or a "problem" entry if a file cannot be read.
void add_tls_contents(config::Config& config);

}  // namespace mainstay::role
