// Copies of the configuration as it was read, with its included files in one: tmp_config_directory gets the running
// one, config_save_dir every one that ever ran (NAME.YYYYMMDD-HHMMSS).
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/ipc/settings.hpp"

namespace mainstay::role {

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log);

}  // namespace mainstay::role
