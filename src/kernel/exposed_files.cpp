#include "mainstay/kernel/exposed_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/kernel/exposed_path.hpp"
#include "mainstay/kernel/script_account.hpp"

namespace mainstay::kernel {
namespace {

using config::Settings;

// Whoever changes it decides what runs as root.
constexpr std::string_view kRunsCommands = "it is used all the same; whoever changes it has commands run as root";
constexpr std::string_view kUsed = "it is used all the same";
constexpr std::string_view kNotUsed = "the daemon does not use it";

struct Named {
    std::string path, use;  // use: "[api] tls_key"; empty: the configuration itself
    Secrecy secrecy = Secrecy::None;
    std::string_view effect = kUsed;
    bool may_grow = false;
    std::uint32_t file = 0;
};

constexpr struct {
    std::string Settings::* path;
    std::string_view use;
    Secrecy secrecy;
} kOfSettings[]{
    {&Settings::api_tls_certificate, "[api] tls_certificate", Secrecy::None},
    {&Settings::api_tls_key, "[api] tls_key", Secrecy::NotForEverybody},
    {&Settings::api_tls_client_ca, "[api] tls_client_ca", Secrecy::None},
    {&Settings::api_credentials, "[api] credentials", Secrecy::NotForEverybody},
    {&Settings::api_peer_token, "[api] peer_token", Secrecy::NotForEverybody},
    {&Settings::api_peer_ca, "[api] peer_ca", Secrecy::None},
    {&Settings::mail_tls_ca, "[mail] tls_ca", Secrecy::None},
    {&Settings::mail_credentials, "[mail] credentials", Secrecy::OwnerOnly},
};

// The daemon uses no secret that others can read.
Named secret_of_settings(std::string path, std::string use, Secrecy secrecy) {
    return {.path = std::move(path),
            .use = std::move(use),
            .secrecy = secrecy,
            .effect = secrecy == Secrecy::None ? kUsed : kNotUsed};
}

void add_settings(std::vector<Named>& all, const config::Loaded& loaded, const std::string& settings_path) {
    std::string text;
    const auto& top = loaded.files.front();
    if (config::is_toml_name(top.path) && config::toml_has_settings(top.text)) {
        text = top.text;
    } else if (auto read = config::read_file(settings_path)) {
        text = std::move(*read);
        all.push_back({.path = settings_path, .use = "the settings", .effect = kRunsCommands});
    }
    const Settings settings = config::read_settings(text, settings_path).settings;
    for (const auto& one : kOfSettings)
        all.push_back(secret_of_settings(settings.*one.path, std::string{one.use}, one.secrecy));
    for (const auto& hook : settings.webhooks) {
        all.push_back(
            secret_of_settings(hook.headers, fmt::format("[[webhook]] {} headers", hook.name), Secrecy::OwnerOnly));
        all.push_back(secret_of_settings(hook.tls_ca, fmt::format("[[webhook]] {} tls_ca", hook.name), Secrecy::None));
    }
}

void add_tls(std::vector<Named>& all, const config::Config& config) {
    const config::Section* block = config::find_section(config.more->sections, "SSL");
    if (block == nullptr) return;
    for (const std::string_view part : {"ca", "certificate", "key"}) {
        const auto path = config::value_of<config::WordList>(block->values, part);
        if (!path || path->empty()) continue;
        all.push_back({.path = path->front(),
                       .use = fmt::format("SSL {}", part),
                       .secrecy = part == "key" ? Secrecy::NotForEverybody : Secrecy::None});
    }
}

config::Diagnostic warning_of(const Named& one, const Exposure& exposure) {
    config::Diagnostic d;
    d.severity = config::Severity::Warning;
    d.rank = config::Rank::None;  // keepalived looks at no mode but a script's
    d.code = static_cast<std::uint16_t>(exposure.is_reading ? config::Code::SecretExposed : config::Code::FileExposed);
    d.place = {one.file, 0, 0, 1};
    d.message = one.use.empty() ? exposure.problem : fmt::format("{}: {}", one.use, exposure.problem);
    d.effect = one.effect;
    d.fix = exposure.fix;
    return d;
}

}  // namespace

ExposedFiles::ExposedFiles(config::Environment& environment, Account account) : account_{account} {
    environment.script_facts = [ask = std::move(environment.script_facts), scripts = scripts_](
                                   const config::Command& command, const config::Global& global) {
        auto facts = ask(command, global);
        const auto runs_as = script_account(command, global);
        const bool as_root = facts.insecure || (runs_as && (runs_as->uid == 0 || runs_as->gid == 0));
        const std::string& name = command.argv.front();
        // With enable_script_security an unsafe script is an error already.
        if (facts.found && as_root && !global.enable_script_security)
            scripts->push_back(name.find('/') == std::string::npos ? facts.resolved : name);
        return facts;
    };
}

void ExposedFiles::report(config::Loaded& loaded, const std::string& settings_path) const {
    if (loaded.files.empty()) return;
    std::vector<Named> all;
    for (std::uint32_t i = 0; i < loaded.files.size(); ++i)
        all.push_back(
            {.path = loaded.files[i].path, .effect = kRunsCommands, .may_grow = loaded.files[i].by_pattern, .file = i});
    for (const std::string& script : *scripts_)
        all.push_back({.path = script, .use = "script " + script, .effect = kRunsCommands});
    add_tls(all, loaded.config);
    add_settings(all, loaded, settings_path);
    std::set<std::string> reported;
    for (const Named& one : all) {
        if (one.path.empty()) continue;
        const auto exposure = exposure_of(one.path, account_, one.secrecy, one.may_grow);
        if (!exposure || !reported.insert(exposure->problem).second) continue;
        // They are sorted by place; that of a whole file comes before its lines.
        const auto next = std::ranges::find_if(loaded.diagnostics, [&](const config::Diagnostic& d) {
            return d.place.file >= one.file && d.place.line > 0;
        });
        loaded.diagnostics.insert(next, warning_of(one, *exposure));
    }
}

}  // namespace mainstay::kernel
