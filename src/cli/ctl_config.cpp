#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "ctl.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/pair.hpp"
#include "mainstay/config/tools/print.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/exposed_files.hpp"
#include "mainstay/probe/regex.hpp"
#include "mainstay/role/reader/diagnostic_json.hpp"
#include "mainstay/role/reader/reload_diff.hpp"
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
        auto loaded = kernel::load_in_its_namespace(file, asked, {});
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

int ctl_config_print(const std::string& file) {
    auto text = config::read_file(file);
    if (!text) {
        print_error("mainstayctl: " + text.error().text() + "\n");
        return 2;
    }
    const config::Environment nowhere;
    const bool toml = config::is_toml_name(file);
    const auto converted = toml ? config::print_toml({file, *text}) : config::Converted{config::print(*text), {}};
    const std::string& printed = converted.text;
    for (const auto& lost : converted.lost)
        print_error(fmt::format("mainstayctl: {}:{}: {}\n", file, lost.place.line, lost.what));
    if (!converted.lost.empty()) return 2;
    // Operators replace the file with the result: it is printed only if it parses to the same configuration.
    if (config::load_text(file, std::move(*text), nowhere).config != config::load_text(file, printed, nowhere).config) {
        print_error("mainstayctl: " + file + ": its canonical form would have another meaning; this is a bug\n");
        return 2;
    }
    print(printed);
    return 0;
}

namespace {

// The host name and the variables, not the interfaces: what @ID lines and $VARIABLES make of a text.
config::Environment of_text(const std::string& config_id = {}) {
    auto host = kernel::host_environment();
    config::Environment environment;
    environment.host_name = std::move(host.host_name);
    environment.variable = std::move(host.variable);
    environment.config_id = config_id;
    return environment;
}

constexpr int kNothing = 0, kSomething = 1;

bool can_take_effect(const config::Loaded& loaded, const std::string& file) {
    if (loaded.can_run()) return true;
    print_error("mainstayctl: " + file + " cannot run: a reload would refuse it and change nothing\n");
    for (const auto& diagnostic : loaded.diagnostics)
        if (diagnostic.severity == config::Severity::Fatal)
            print_error("  " + config::render_line(diagnostic, loaded) + "\n");
    return false;
}

int show(const std::string& before, const std::string& after, const config::Environment& environment, bool as_json) {
    const auto running = config::load_file(before, environment), next = config::load_file(after, environment);
    if (!can_take_effect(running, before) || !can_take_effect(next, after)) return kError;
    config::KeywordPlaces places{next};
    const auto diff = role::diff_reload(running.config, next.config, role::Orphans::Expire, &places);
    const std::string text = as_json ? role::json_text(role::as_json(diff)) : role::as_text(diff);
    print(text);
    return diff.empty() ? kNothing : kSomething;
}

}  // namespace

int ctl_config_diff(const std::string& before, const std::string& after, const std::string& config_id, bool as_json) {
    return show(before, after, of_text(config_id), as_json);
}

int ctl_reload_dry_run_to(const std::string& file, bool as_json) {
    const std::string in_use = configuration_in_use();
    if (in_use.empty()) {
        print_error("mainstayctl: found no configuration that mainstayd would read\n");
        return kError;
    }
    return show(in_use, file, kernel::host_environment(), as_json);
}

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

bool has_lines_of_hosts(const config::Loaded& loaded) {
    return std::ranges::any_of(loaded.files, [](const config::SourceFile& file) {
        return std::ranges::any_of(std::views::split(file.text, '\n'), [](const auto& line) {
            const auto first = std::ranges::find_if_not(line, [](char c) { return c == ' ' || c == '\t'; });
            return first != line.end() && *first == '@';
        });
    });
}

}  // namespace

int ctl_config_pair(const std::string& first, const std::string& second, const std::vector<std::string>& ids) {
    // At most one of the two files belongs to this host, so host facts are not used.
    config::Environment of_first, of_second;
    if (!ids.empty()) of_first.config_id = ids.front(), of_second.config_id = ids.back();
    const auto a = config::load_file(first, of_first), b = config::load_file(second, of_second);
    if (ids.empty() && (has_lines_of_hosts(a) || has_lines_of_hosts(b)))
        print("note: @ID lines are left out; name the ids of both directors with --ids A,B\n");
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

namespace {

constexpr int kWhole = 0, kNotWhole = 1;

void print_problem(const std::string& text) { print_error("mainstayctl: " + text + "\n"); }

bool unreadable(const config::Loaded& loaded) {
    for (const auto& d : loaded.diagnostics)
        if (d.severity == config::Severity::Fatal && d.rank == config::Rank::CannotRun) {
            print_problem(config::render_line(d, loaded));
            return true;
        }
    return false;
}

bool is_unknown(const config::Diagnostic& diagnostic) {
    using config::Code;
    return diagnostic.code == static_cast<std::uint16_t>(Code::UnknownKeyword) ||
           diagnostic.code == static_cast<std::uint16_t>(Code::UnknownBlock);
}

}  // namespace

int ctl_config_convert(const std::string& file, const std::string& config_id) {
    const bool from_toml = config::is_toml_name(file);
    const auto environment = of_text(config_id);
    const auto loaded = config::load_file(file, environment);
    if (unreadable(loaded)) return kError;
    config::Converted converted;
    if (from_toml) {
        converted = config::to_conf(loaded.files[0]);
    } else {
        auto snapshot = config::resolve({loaded.files[0]}, environment, true);
        for (const auto order : config::kTomlOrders) {
            converted = config::to_toml(snapshot, order);
            if (config::load_text("converted.toml", converted.text, environment).config == loaded.config) break;
        }
    }
    for (const auto& lost : converted.lost) {
        const auto& name = lost.place.file < loaded.files.size() ? loaded.files[lost.place.file].path : file;
        print_problem(fmt::format("{}:{}: not converted: {}", name, lost.place.line, lost.what));
    }
    bool whole = converted.lost.empty();
    for (const auto& diagnostic : loaded.diagnostics)
        if (from_toml && is_unknown(diagnostic)) {
            print_problem("not converted: " + config::render_line(diagnostic, loaded));
            whole = false;
        }
    // Operators replace the file with the result: it is printed only if it parses to the same configuration.
    const auto back = config::load_text(from_toml ? "converted.conf" : "converted.toml", converted.text, environment);
    if (back.config != loaded.config) {
        print_problem(fmt::format("{} has no form in {} with the same meaning", file,
                                  from_toml ? "keepalived's language" : "TOML"));
        return kError;
    }
    print(converted.text);
    return whole ? kWhole : kNotWhole;
}

}  // namespace mainstay::cli
