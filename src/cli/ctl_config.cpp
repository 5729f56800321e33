#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "ctl.hpp"
#include "mainstay/base/counted.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/exposed_files.hpp"
#include "mainstay/probe/regex.hpp"
#include "mainstay/role/reader/diagnostic_json.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

int judge(const config::Loaded& loaded, bool strict) {
    int worst = loaded.can_run() ? kClean : kErrors;
    for (const auto& diagnostic : loaded.diagnostics) {
        if (diagnostic.severity == config::Severity::Warning) worst = std::max(worst, strict ? kErrors : kWarnings);
        if (diagnostic.severity >= config::Severity::Error) worst = kErrors;
    }
    return worst;
}

// "ha.conf: cannot run: 1 error, 2 warnings"; notes are counted, but no problem.
std::string verdict(const config::Loaded& loaded, bool strict) {
    std::array<std::size_t, 4> counts{};
    for (const auto& diagnostic : loaded.diagnostics) ++counts.at(static_cast<std::size_t>(diagnostic.severity));
    const auto [notes, warnings, mistakes, fatal] = counts;
    std::vector<std::string> parts;
    if (mistakes + fatal > 0) parts.push_back(counted(mistakes + fatal, "error"));
    if (warnings > 0) parts.push_back(counted(warnings, "warning"));
    if (parts.empty()) parts.emplace_back("no problems");
    if (notes > 0) parts.push_back(counted(notes, "note"));
    const bool refused = strict && judge(loaded, false) == kWarnings;
    return fmt::format("{}{}{}", loaded.can_run() ? "" : "cannot run: ", fmt::join(parts, ", "),
                       refused ? ", refused by --strict" : "");
}

void print_diagnostics(const config::Loaded& loaded, const std::string& file, const CheckOptions& options,
                       bool colour) {
    for (const auto& diagnostic : loaded.diagnostics) {
        print(config::render(diagnostic, loaded, colour));
    }
    print(file + ": " + verdict(loaded, options.strict) + "\n");
}

}  // namespace

int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options) {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    auto environment = kernel::host_environment();
    environment.host_resolves = kernel::host_resolves;
    environment.pattern_problem = probe::regex_problem;
    auto found = nlohmann::ordered_json::array();
    environment.config_id = options.config_id;
    int worst = kClean;
    std::array<std::size_t, 3> files_judged{};
    for (const auto& file : files) {
        auto asked = environment;  // each file with scripts of its own
        const kernel::ExposedFiles exposed{asked, {::geteuid(), ::getegid()}};
        auto loaded = config::load_file(file, asked);
        exposed.report(loaded, {});
        const int judged = judge(loaded, options.strict);
        ++files_judged.at(static_cast<std::size_t>(judged));
        worst = std::max(worst, judged);
        if (!options.as_json)
            print_diagnostics(loaded, file, options, colour);
        else
            for (auto& diagnostic : role::as_json(loaded)) found.push_back(std::move(diagnostic));
    }
    const auto [clean, warned, wrong] = files_judged;
    if (!options.as_json && files.size() > 1)
        print(fmt::format("{} files: {} without problems, {} with warnings, {} with errors\n", files.size(), clean,
                          warned, wrong));
    if (options.as_json) print(role::json_text(found));
    return worst;
}

}  // namespace mainstay::cli
