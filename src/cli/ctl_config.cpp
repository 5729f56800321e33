#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"

namespace mainstay::cli {
namespace {

constexpr int kClean = 0, kWarnings = 1, kErrors = 2;

int check(const std::string& file, bool colour) {
    auto environment = kernel::host_environment();
    environment.host_resolves = kernel::host_resolves;
    const auto loaded = config::load_file(file, environment);
    int worst = kClean;
    for (const auto& diagnostic : loaded.diagnostics) {
        const std::string text = config::render(diagnostic, loaded, colour);
        std::fwrite(text.data(), 1, text.size(), stdout);
        if (diagnostic.severity == config::Severity::Warning) worst = std::max(worst, kWarnings);
        if (diagnostic.severity >= config::Severity::Error) worst = kErrors;
    }
    if (!loaded.can_run()) worst = kErrors;
    std::printf("%s: %s\n", file.c_str(), worst == kClean ? "no problems" : worst == kWarnings ? "warnings" : "errors");
    return worst;
}

}  // namespace

int ctl_config_check(const std::vector<std::string>& files) {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    int worst = kClean;
    for (const auto& file : files) worst = std::max(worst, check(file, colour));
    return worst;
}

}  // namespace mainstay::cli
