#include "mainstay/config/settings.hpp"
#include "mainstay/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "config/toml/document.hpp"
#include "mainstay/base/script_variables.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

namespace {

constexpr std::string_view kWebhook = "webhook";  // its tables are read by take_webhooks()

constexpr std::array kSettings{
    Setting{"api", "listen", 0, 0, nullptr,
            "Addresses with ports at which the API is served over TCP, as \"127.0.0.1:9112\" or \"[::1]:9112\". Others "
            "than "
            "loopback addresses need tls_certificate and credentials.",
            nullptr, nullptr, &Settings::api_listen},
    Setting{
        "api", "tls_certificate", 0, 0, nullptr,
        "The certificate of the API, with its chain, in PEM. The file is read again when it changes, as are the next "
        "three.",
        nullptr, &Settings::api_tls_certificate},
    Setting{"api", "tls_key", 0, 0, nullptr, "The private key of the certificate, in PEM.", nullptr,
            &Settings::api_tls_key},
    Setting{"api", "tls_client_ca", 0, 0, nullptr,
            "Authorities, in PEM, of which each client must have a certificate; in addition to credentials.", nullptr,
            &Settings::api_tls_client_ca},
    Setting{
        "api", "credentials", 0, 0, nullptr,
        "The file of the API's credentials, one line each, made by mainstayctl api credential. Without it everybody "
        "who reaches a loopback address may read.",
        nullptr, &Settings::api_credentials},
    Setting{"api", "operate", 0, 0, nullptr,
            "Whether the API may change something: for credentials of the role operate, and at the control socket for "
            "root and the service's group.",
            &Settings::api_operate},
    Setting{
        "api",
        "peer",
        0,
        0,
        nullptr,
        "The API of the other director, whose state the page shows beside this one's: \"https://HOST:PORT\"; http:// "
        "at loopback addresses only.",
        nullptr,
        nullptr,
        nullptr,
        {},
        &Settings::api_peer},
    Setting{
        "api", "peer_token", 0, 0, nullptr,
        "A file with a token of the peer's API in its first line; the role read is enough. Nobody but its owner and "
        "group may be able to read it.",
        nullptr, &Settings::api_peer_token},
    Setting{"api", "peer_ca", 0, 0, nullptr,
            "Authorities, in PEM, of one of which the peer's certificate must be; without it, those of the system.",
            nullptr, &Settings::api_peer_ca},
    Setting{"lvs", "audit_interval", 0, 86'400, &Settings::lvs_audit_interval_s,
            "Interval at which the kernel's IPVS table is compared with the desired one, and repaired; 0: only at a "
            "reload. A reload does it at once; with more than 512 virtual servers, unless this is 0, it leaves their "
            "real servers to the next interval."},
    Setting{"scripts", "notify_wait", 0, 3'600, &Settings::scripts_notify_wait_s,
            "How long to wait for the end of a notify script before the next script of its instance starts; 0: all "
            "start immediately."},
    Setting{"scripts",
            "pass_environment",
            0,
            0,
            nullptr,
            "Variables of the daemon's environment that scripts get besides PATH, HOME, TZ, LANG, LANGUAGE and LC_*: "
            "names, "
            "or patterns with *, as \"AWS_*\". What decides which program runs, as LD_PRELOAD, they never get.",
            nullptr,
            nullptr,
            &Settings::scripts_pass_environment,
            {},
            nullptr,
            kPassedVariablesMax,
            &fault_of_passed_variable},
    Setting{"mail", "keep", 60, 2'592'000, &Settings::mail_keep_s,
            "How long a mail that cannot be delivered is queued and retried."},
    Setting{
        "mail", "relays", 0, 0, nullptr,
        "Mail servers in the order in which they are tried, instead of smtp_server: \"smtp://HOST:PORT\" (port 25), "
        "\"starttls://HOST:PORT\" (587; encrypted, or not at all), \"smtps://HOST:PORT\" (465).",
        nullptr, nullptr, &Settings::mail_relays},
    Setting{"mail", "tls_ca", 0, 0, nullptr,
            "Authorities, in PEM, of one of which a relay's certificate must be; without it, those of the system.",
            nullptr, &Settings::mail_tls_ca},
    Setting{
        "mail", "credentials", 0, 0, nullptr,
        "A file with the user name in its first line and the password in its second one, for relays with TLS. Nobody "
        "but root may be able to read it.",
        nullptr, &Settings::mail_credentials},
    Setting{"reload", "accept_losses", 0, 0, nullptr,
            "Whether a file with broken blocks is reloaded even if this removes running virtual servers, real servers, "
            "instances or addresses.",
            &Settings::reload_accept_losses},
    Setting{"recorder", "size", 0, kRecorderSizeMax, &Settings::recorder_size_mib,
            "Memory of each flight recorder, of the VRRP and of the load balancing process, in MiB: for `mainstayctl "
            "record` and `replay`; 0: nothing is recorded.",
            nullptr, nullptr, nullptr, "MiB"},
};

std::vector<std::string_view> known_keys(std::string_view table) {
    std::vector<std::string_view> keys;
    for (const auto& row : kSettings)
        if (row.table == table) keys.push_back(row.key);
    return keys;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
    const auto near = nearest(word, names);
    return near.empty() ? std::string{} : fmt::format("did you mean {}?", near);
}

std::string form_of(const Setting& row) {
    return row.path != nullptr  ? "an absolute path"
           : row.url != nullptr ? "a text that begins with https:// or http://"
                                : fmt::format("a list of at most {} texts", row.texts_max);
}

// A path, a URL or a list. False: it is none of them, and the default stays.
bool take_text(const Setting& row, const toml::node& value, Settings& settings,
               std::vector<SettingsProblem>& problems) {
    if (row.url != nullptr) {
        const auto url = value.value_exact<std::string>();
        if (!url || !(url->starts_with("https://") || url->starts_with("http://"))) return false;
        settings.*row.url = *url;
        return true;
    }
    if (row.path != nullptr) {
        const auto path = value.value_exact<std::string>();
        if (!path || !path->starts_with('/')) return false;
        settings.*row.path = *path;
        return true;
    }
    const auto* const list = value.as_array();
    if (list == nullptr || list->size() > row.texts_max) return false;
    std::vector<std::string> texts;
    for (const auto& one : *list) {
        const auto text = one.value_exact<std::string>();
        if (!text) return false;
        if (const char* why = row.refuses == nullptr ? nullptr : row.refuses(*text); why != nullptr)
            problems.push_back({place_of(one.source()),
                                fmt::format("{}.{} cannot have {}: {}", row.table, row.key, plain_quote(*text), why),
                                "it is left out",
                                {}});
        else
            texts.push_back(*text);
    }
    settings.*row.list = std::move(texts);
    return true;
}

void take(const toml::table& table, std::string_view name, Settings& settings, std::vector<SettingsProblem>& problems) {
    const auto keys = known_keys(name);
    for (const auto& [key, value] : table) {
        const auto row = std::ranges::find_if(
            kSettings, [&](const Setting& r) { return r.table == name && r.key == std::string_view{key.str()}; });
        if (row == kSettings.end()) {
            problems.push_back({place_of(key.source()), fmt::format("unknown setting {} in [{}]", key.str(), name),
                                fmt::format("ignored; known settings: {}", fmt::join(keys, ", ")),
                                did_you_mean(key.str(), keys)});
            continue;
        }
        if (row->path != nullptr || row->list != nullptr || row->url != nullptr) {
            if (!take_text(*row, value, settings, problems))
                problems.push_back({place_of(value.source()),
                                    fmt::format("{}.{} must be {}", name, row->key, form_of(*row)),
                                    "it is not set",
                                    {}});
            continue;
        }
        if (row->flag != nullptr) {
            if (const auto on = value.value_exact<bool>(); on)
                settings.*row->flag = *on;
            else
                problems.push_back({place_of(value.source()),
                                    fmt::format("{}.{} must be true or false", name, row->key),
                                    fmt::format("{} is used", settings.*row->flag),
                                    {}});
            continue;
        }
        const auto number = value.value_exact<std::int64_t>();
        if (!number || *number < row->low || *number > row->high)
            problems.push_back({place_of(value.source()),
                                fmt::format("{}.{} must be a whole number of {} from {} to {}", name, row->key,
                                            row->unit, row->low, row->high),
                                fmt::format("{} is used", settings.*row->member),
                                {}});
        else
            settings.*row->member = static_cast<std::uint32_t>(*number);
    }
}

std::string line_of(const SettingsProblem& problem, const std::string& file) {
    return fmt::format("{}:{}:{}: {}: {}{}{}", file, problem.place.line, problem.place.column, problem.message,
                       problem.effect, problem.fix.empty() ? "" : "; ", problem.fix);
}

}  // namespace

std::vector<std::string_view> settings_tables() {
    std::vector<std::string_view> names;
    for (const auto& row : kSettings)
        if (std::ranges::find(names, row.table) == names.end()) names.push_back(row.table);
    names.push_back(kWebhook);
    return names;
}

std::span<const Setting> settings_rows() { return kSettings; }

bool is_settings_table(std::string_view name) {
    return name == kWebhook || std::ranges::any_of(kSettings, [&](const Setting& row) { return row.table == name; });
}

bool toml_has_settings(std::string_view text) {
    const auto parsed = parse_toml(text);
    const auto* document = std::get_if<TomlDocument>(&parsed);
    return document != nullptr &&
           std::ranges::any_of(document->root, [](const auto& item) { return is_settings_table(item.first.str()); });
}

std::vector<SettingsProblem> take_settings(const toml::table& root, Settings& settings) {
    std::vector<SettingsProblem> problems;
    for (const auto& [key, value] : root) {
        if (!is_settings_table(key.str())) continue;
        if (key.str() == kWebhook)
            take_webhooks(value, place_of(key.source()), settings.webhooks, problems);
        else if (value.is_table())
            take(*value.as_table(), key.str(), settings, problems);
        else
            problems.push_back({place_of(key.source()), fmt::format("{} is a table of settings", key.str()), "ignored",
                                fmt::format("write [{}]", key.str())});
    }
    return problems;
}

ReadSettings read_settings(std::string_view text, const std::string& file_name) {
    ReadSettings read;
    auto parsed = parse_toml(text);
    if (const auto* problem = std::get_if<TomlProblem>(&parsed)) {
        read.problems.push_back(line_of({problem->place, problem->message, "the defaults are used", {}}, file_name));
        return read;
    }
    const auto& root = std::get<TomlDocument>(parsed).root;
    auto problems = take_settings(root, read.settings);
    std::vector<std::string_view> known = settings_tables();
    for (const KeywordSpec* row : rows_of(Block::Root)) known.push_back(row->name);
    for (const auto& [key, value] : root) {  // tables about the director are ignored here
        if (std::ranges::find(known, std::string_view{key.str()}) != known.end()) continue;
        problems.push_back({place_of(key.source()), fmt::format("unknown table [{}]", key.str()),
                            "ignored; known tables: [api], [lvs], [mail], [recorder], [reload], [scripts], "
                            "[[webhook]] and the blocks of mainstay.conf",
                            did_you_mean(key.str(), known)});
    }
    std::ranges::stable_sort(problems, {}, [](const SettingsProblem& problem) {
        return std::pair{problem.place.line, problem.place.column};
    });
    for (const auto& problem : problems) read.problems.push_back(line_of(problem, file_name));
    return read;
}

}  // namespace mainstay::config
