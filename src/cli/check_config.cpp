#include "check_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "mainstay/base/text.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/exposed_files.hpp"
#include "mainstay/probe/regex.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr int kCannotAppend = 1;  // keepalived's exit code for a bad option
constexpr int kWarningsRefused = 5;

// Only of a file to which nothing was written yet: append_to() looks at what closing says.
struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using LogFile = std::unique_ptr<std::FILE, CloseFile>;

int cannot_append(const std::string& path, int sys_errno) {
    print_error(fmt::format("cannot append to {}: {}\n", path, std::generic_category().message(sys_errno)));
    return kCannotAppend;
}

// An errno; 0: all of it was written.
int append_to(LogFile log, std::string_view text) {
    const int failed = std::fwrite(text.data(), 1, text.size(), log.get()) == text.size() ? 0 : errno;
    const int not_closed = std::fclose(log.release()) == 0 ? 0 : errno;
    return failed != 0 ? failed : not_closed;
}

std::string summary(const config::Loaded& loaded, const std::string& file, int exit_code, bool refused) {
    using config::Severity;
    const auto count = [&](auto... severities) {
        return std::ranges::count_if(loaded.diagnostics,
                                     [&](const config::Diagnostic& d) { return ((d.severity == severities) || ...); });
    };
    const auto errors = count(Severity::Error, Severity::Fatal);
    const auto warnings = count(Severity::Warning);
    const auto notes = count(Severity::Note);
    const std::string_view verdict = !loaded.can_run()            ? "cannot run"
                                     : refused                    ? "is refused by --strict"
                                     : loaded.diagnostics.empty() ? "is fine"
                                     : exit_code == 0             ? "is fine, with remarks"
                                                                  : "runs, with the effects named above";
    return fmt::format("{}: {}, {}, {}; the configuration {} (exit code {})\n", file, counted(errors, "error"),
                       counted(warnings, "warning"), counted(notes, "note"), verdict, exit_code);
}

}  // namespace

int run_config_test(const ConfigTest& test) {
    LogFile log;
    if (!test.log_file.empty()) {
        log.reset(std::fopen(test.log_file.c_str(), "ae"));
        if (!log) return cannot_append(test.log_file, errno);
    }
    const bool colour = test.colour && !log;
    auto environment = kernel::host_environment();
    environment.host_resolves = kernel::host_resolves;
    environment.pattern_problem = probe::regex_problem;
    environment.config_id = test.config_id;
    environment.all_include_checks = test.all_include_checks;
    const kernel::ExposedFiles exposed{environment, {::geteuid(), ::getegid()}};
    auto loaded = kernel::load_in_its_namespace(test.file, std::move(environment), test.net_namespace);
    exposed.report(loaded, test.settings_file);
    const bool refused = test.strict && config::has_warnings(loaded);
    const int exit_code = refused && loaded.exit_code() == 0 ? kWarningsRefused : loaded.exit_code();
    std::string text;
    for (const auto& diagnostic : loaded.diagnostics) text += config::render(diagnostic, loaded, colour);
    text += summary(loaded, test.file, exit_code, refused);
    if (!log) {
        print_error(text);
        return exit_code;
    }
    const int failed = append_to(std::move(log), text);
    return failed == 0 ? exit_code : cannot_append(test.log_file, failed);
}

}  // namespace mainstay::cli
