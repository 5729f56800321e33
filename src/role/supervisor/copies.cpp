#include "copies.hpp"

#include <unistd.h>

#include <array>
#include <ctime>

#include "mainstay/kernel/process.hpp"

namespace mainstay::role {

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log) {
    // Mode 0600: the copy contains passwords in clear text.
    const auto keep = [&](const std::string& path) {
        if (const auto written = kernel::write_file_safely(path, text, 0600); !written)
            log.warning("a copy of the configuration cannot be kept: {}", written.error().text());
    };
    if (!settings.tmp_config_directory.empty())
        keep(settings.tmp_config_directory + "/mainstay-" + std::to_string(::getppid()) + ".conf");
    if (settings.config_save_dir.empty()) return;
    const std::time_t now = ::time(nullptr);
    std::tm local{};
    std::array<char, 32> stamp{};
    if (::localtime_r(&now, &local) == nullptr) return;
    const auto length = std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &local);
    const std::string name = config_path.substr(config_path.rfind('/') + 1);
    keep(settings.config_save_dir + "/" + name + "." + std::string{stamp.data(), length});
}

}  // namespace mainstay::role
