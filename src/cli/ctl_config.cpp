#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/role/diagnostic_json.hpp"

namespace mainstay::cli {
namespace {

constexpr int kClean = 0, kWarnings = 1, kErrors = 2;

int judge(const config::Loaded& loaded, bool strict) {
    int worst = loaded.can_run() ? kClean : kErrors;
    for (const auto& diagnostic : loaded.diagnostics) {
        if (diagnostic.severity == config::Severity::Warning) worst = std::max(worst, strict ? kErrors : kWarnings);
        if (diagnostic.severity >= config::Severity::Error) worst = kErrors;
    }
    return worst;
}

void print(const config::Loaded& loaded, const std::string& file, const CheckOptions& options, bool colour) {
    for (const auto& diagnostic : loaded.diagnostics) {
        const std::string text = config::render(diagnostic, loaded, colour);
        std::fwrite(text.data(), 1, text.size(), stdout);
    }
    const int plain = judge(loaded, false);
    const char* verdict = plain == kClean ? "no problems" : plain == kWarnings ? "warnings" : "errors";
    std::printf("%s: %s%s\n", file.c_str(), verdict,
                plain == kWarnings && options.strict ? ", refused by --strict" : "");
}

}  // namespace

int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options) {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    auto environment = kernel::host_environment();
    environment.host_resolves = kernel::host_resolves;
    auto found = nlohmann::ordered_json::array();
    int worst = kClean;
    for (const auto& file : files) {
        const auto loaded = config::load_file(file, environment);
        worst = std::max(worst, judge(loaded, options.strict));
        if (!options.as_json)
            print(loaded, file, options, colour);
        else
            for (auto& diagnostic : role::as_json(loaded)) found.push_back(std::move(diagnostic));
    }
    if (options.as_json) std::fputs(role::json_text(found).c_str(), stdout);
    return worst;
}

}  // namespace mainstay::cli
