#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/pair.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Problems of a single file are left to `config check`. False: the file cannot be compared.
bool is_comparable(const config::Loaded& loaded, const std::string& file) {
    const auto serious = std::ranges::count_if(
        loaded.diagnostics, [](const config::Diagnostic& d) { return d.severity >= config::Severity::Error; });
    if (loaded.can_run()) {
        if (serious != 0)
            print(fmt::format("{}: note: {} error{} in this file alone; see `mainstayctl config check`\n", file,
                              serious, serious == 1 ? "" : "s"));
        return true;
    }
    print(file + ": error: this file cannot run and is not compared\n");
    for (const auto& diagnostic : loaded.diagnostics)
        if (diagnostic.severity == config::Severity::Fatal)
            print("  " + config::render_line(diagnostic, loaded) + "\n");
    return false;
}

}  // namespace

int ctl_config_pair(const std::string& first, const std::string& second) {
    // At most one of the two files belongs to this host, so host facts are not used.
    const config::Environment nowhere;
    const auto a = config::load_file(first, nowhere), b = config::load_file(second, nowhere);
    const bool both_usable = is_comparable(a, first) & is_comparable(b, second);
    if (!both_usable) return kErrors;
    config::PairNames names{last_part(first), last_part(second)};
    if (names.first == names.second) names = {first, second};
    int worst = kClean;
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    for (const auto& finding : config::compare_pair(a.config, b.config, names)) {
        print(config::render(finding, names, colour));
        if (finding.severity == config::Severity::Warning) worst = std::max(worst, kWarnings);
        if (finding.severity >= config::Severity::Error) worst = kErrors;
    }
    print(fmt::format("{}, {}: {}\n", names.first, names.second,
                      worst == kClean      ? "no problems found"
                      : worst == kWarnings ? "warnings found"
                                           : "errors found"));
    return worst;
}

}  // namespace mainstay::cli
