#include <fmt/format.h>

#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/kernel/environment.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr int kWhole = 0, kNotWhole = 1;

// The conversion uses the host name and the variables, not the interfaces: its result is the same on every host.
config::Environment of_text() {
    auto host = kernel::host_environment();
    config::Environment environment;
    environment.host_name = std::move(host.host_name);
    environment.variable = std::move(host.variable);
    return environment;
}

void print_problem(const std::string& text) { print_error("mainstayctl: " + text + "\n"); }

bool unreadable(const config::Loaded& loaded) {
    for (const auto& d : loaded.diagnostics)
        if (d.severity == config::Severity::Fatal && d.rank == config::Rank::CannotRun) {
            print_problem(config::render_line(d, loaded));
            return true;
        }
    return false;
}

}  // namespace

int ctl_config_convert(const std::string& file) {
    const bool from_toml = config::is_toml_name(file);
    const auto environment = of_text();
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
    // Operators replace the file with the result: it is printed only if it parses to the same configuration.
    const auto back = config::load_text(from_toml ? "converted.conf" : "converted.toml", converted.text, environment);
    if (back.config != loaded.config) {
        print_problem(fmt::format("{} has no form in {} with the same meaning", file,
                                  from_toml ? "keepalived's language" : "TOML"));
        return kError;
    }
    print(converted.text);
    return converted.lost.empty() ? kWhole : kNotWhole;
}

}  // namespace mainstay::cli
