// Copies of a configuration as it was read, all in one: tmp_config_directory has the one that runs, config_save_dir
// every one that ever ran (NAME.YYYYMMDD-HHMMSS).
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/ipc/daemon_settings.hpp"

namespace mainstay::role {

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log);

}  // namespace mainstay::role
