#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/role/reader/diagnostic_json.hpp"
#include "mainstay/role/reader/reload_diff.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

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

int ctl_config_diff(const std::string& before, const std::string& after, bool as_json) {
    return show(before, after, {}, as_json);  // of any host
}

int ctl_reload_dry_run_to(const std::string& file, bool as_json) {
    const std::string in_use = configuration_in_use();
    if (in_use.empty()) {
        print_error("mainstayctl: found no configuration that mainstayd would read\n");
        return kError;
    }
    return show(in_use, file, kernel::host_environment(), as_json);
}

}  // namespace mainstay::cli
