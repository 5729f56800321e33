// The sections of keepalived_check.data behind its topology: the checks, and what FILE_CHECK and BFD_CHECK follow.
#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "dump_check.hpp"
#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::Checker;

std::string name_of(const DumpedServer& server) {
    const auto protocol = server.service.fwmark != 0 ? config::Protocol::None : server.service.protocol;
    return config::server_name(server.config.endpoint, protocol);
}

// How long a check waits after a failure unless the configuration says so.
Micros usual_delay(Checker::Type type) {
    constexpr Micros kWeb{3'000'000}, kOther{1'000'000};
    if (type == Checker::Type::Http || type == Checker::Type::Ssl) return kWeb;
    return type == Checker::Type::Dns ? Micros{} : kOther;
}

void put_connection(MarginLines& out, const Checker& check) {
    out.text("Connection");
    const auto text_of = [](const Endpoint& to) { return fmt::format("[{}]:{}", to.address.to_string(), to.port); };
    out.further("Dest = " + text_of(check.target));
    if (const auto& bind = *check.bind) out.further("Bind to = " + text_of(*bind));
    if (!check.bind_if.empty()) out.further("Bind i/f = " + *check.bind_if);
    if (const auto mark = config::value_of(check.more->values, keyword::fwmark))
        out.further(fmt::format("Mark = {}", *mark));
    out.further("Timeout = " + seconds_text(check.connect_timeout));
}

void put_regex(MarginLines& out, const config::KeywordValues& values) {
    const auto pattern = config::first_word(values, keyword::regex);
    if (pattern.empty()) return;
    out.further(fmt::format("Regex = \"{}\"", pattern));
    if (config::flag(values, keyword::regex_no_match)) out.further("Regex no match");
    const auto least = config::value_of(values, keyword::regex_min_offset);
    const auto most = config::value_of(values, keyword::regex_max_offset);
    if (least || most)
        out.further(fmt::format("Regex min offset = {}{}", least.value_or(0),
                                most ? fmt::format(", max_offset = {}", *most) : std::string{}));
    std::string options;
    for (const auto& word : config::words_of(values, keyword::regex_options)) options += " " + word;
    out.further("Regex options:" + options);
}

void put_web(MarginLines& out, const Checker& check) {
    std::string protocol = check.http_protocol.empty() ? "1.0" : *check.http_protocol;
    std::ranges::replace(protocol, 'c', 'C');
    std::ranges::replace(protocol, 'k', 'K');
    out.line("Keepalive method", fmt::format("{}, http protocol {}", lvs::keyword_of(check.type), protocol));
    const auto set = [](bool on) { return on ? "set" : "unset"; };
    out.text(fmt::format("Enable SNI {}", set(check.enable_sni)));
    out.text(fmt::format("Fast recovery {}", set(config::flag(check.more->values, keyword::fast_recovery))));
    for (const auto& url : *check.urls) {
        out.line("Checked url", url.path);
        if (!url.digest.empty()) out.further("digest = " + url.digest);
        out.further("HTTP Status Code(s)");
        for (const auto& codes : url.status_codes)
            out.further(codes.from == codes.to ? fmt::format("  {}", codes.from)
                                               : fmt::format("  {}-{}", codes.from, codes.to));
        if (!url.virtualhost.empty()) out.further("Virtual host = " + url.virtualhost);
        put_regex(out, url.more->values);
    }
}

// The bytes that words of hex digits stand for.
std::size_t bytes_in(const config::WordList& words) {
    std::size_t digits = 0;
    for (const auto& word : words) digits += word.size();
    return digits / 2;
}

void put_datagram(MarginLines& out, const config::KeywordValues& values) {
    if (const auto payload = config::words_of(values, keyword::payload); !payload.empty())
        out.line("Payload len", bytes_in(payload));
    else
        out.line("Payload specified", "no");
    const bool required = config::is_given(values, keyword::require_reply);
    out.line("Require reply", yes_or_no(required));
    if (!required) return;
    const auto reply = config::words_of(values, keyword::require_reply);
    const auto least = config::value_of(values, keyword::min_reply_length).value_or(0);
    out.further(fmt::format("Min reply length = {}", least));
    out.further(fmt::format("Max reply length = {}", config::value_or_default(values, keyword::max_reply_length)));
    out.further(fmt::format("Reply data len = {}", bytes_in(reply)));
    if (reply.empty()) return;
    const bool masked = std::ranges::any_of(
        reply, [](const std::string& word) { return word.find_first_of("xX") != std::string::npos; });
    out.further(fmt::format("Reply data mask = {}", yes_or_no(masked)));
}

void put_command(MarginLines& out, const Checker& check, const CheckStatus* status) {
    out.line("script", quoted_command(*check.misc_path));
    out.line("timeout", check.misc_timeout.count() / 1'000'000);
    out.line("dynamic", check.misc_dynamic ? "YES" : "NO");
    out.line("Last ran", time_text(status != nullptr ? status->last_run : WallTime{}));
}

void put_method(MarginLines& out, const Checker& check, const CheckStatus* status) {
    using Type = Checker::Type;
    const auto& values = check.more->values;
    if (check.type == Type::Http || check.type == Type::Ssl) return put_web(out, check);
    out.line("Keepalive method", lvs::keyword_of(check.type));
    switch (check.type) {
        case Type::Smtp: {
            const auto own = config::first_word(values, keyword::helo_name);
            return out.line("helo", own.empty() ? "smtpchecker.keepalived.org" : own);
        }
        case Type::Dns: {
            const auto type = config::first_word(values, keyword::type);
            out.line("Type", type.empty() ? "SOA" : type);
            return out.line("Name", config::first_word(values, keyword::name));
        }
        case Type::Udp:
            return put_datagram(out, values);
        case Type::Misc:
            return put_command(out, check, status);
        case Type::Bfd:
            out.line("Name", lvs::followed_name(check));
            return out.text(fmt::format("Alpha is {}", on_or_off(check.alpha)));
        case Type::File:
            out.further(fmt::format("Tracked file = {}", lvs::followed_name(check)));
            return out.further("Reloaded = No");
        default:
            return;
    }
}

std::string name_of_checks(const DumpedServer& server) {
    return fmt::format("{} -> {}", config::service_name(server.service), name_of(server));
}

void put_times(MarginLines& out, const Checker& check, const CheckStatus* status) {
    out.line("Alpha", yes_or_no(check.alpha));
    const auto time = [&](const char* name, Micros value) { out.line(name, fmt::format("{} us", value.count())); };
    time("Delay loop", check.delay_loop);
    time("Warmup", check.warmup);
    out.line("Retries", check.retry);
    time("Delay before retry", check.delay_before_retry);
    out.line("Retries iterations", status != nullptr ? status->failures_in_row : 0);
    time("Default delay before retry", usual_delay(check.type));
}

std::string check_lines(const DumpedServer& server, const Checker& check, const CheckStatus* status) {
    using Type = Checker::Type;
    MarginLines out;
    out.line("Enabled", "yes");
    out.line("Up", yes_or_no(status == nullptr || status->up));
    out.line("Has run", yes_or_no(status != nullptr && status->has_run));
    const auto weight = status != nullptr && status->weight ? *status->weight - server.config.weight : 0;
    out.line("Current weight", weight);
    if (!lvs::is_followed(check.type)) put_times(out, check, status);
    out.line("Log all failures", yes_or_no(check.log_all_failures));
    if (!lvs::is_followed(check.type) && check.type != Type::Misc) put_connection(out, check);
    put_method(out, check, status);
    return fmt::format(" {}\n{}", name_of_checks(server), out.take());
}

const CheckStatus* status_of_check(const DumpedServer& server, std::size_t check) {
    return server.status != nullptr && check < server.status->checks.size() ? &server.status->checks[check] : nullptr;
}

// Calls with each check: (server, check, its status).
void for_each_check(const LvsView& view, const auto& call) {
    for (std::size_t service = 0; service < view.config().virtual_servers.size(); ++service)
        for (const DumpedServer& server : view.servers(service))
            for (std::size_t i = 0; i < server.config.checkers.size(); ++i)
                call(server, server.config.checkers[i], status_of_check(server, i));
}

// Those that follow files come last.
std::string checks(const LvsView& view) {
    std::string out, of_files;
    for_each_check(view, [&](const DumpedServer& server, const Checker& check, const CheckStatus* status) {
        (check.type == Checker::Type::File ? of_files : out) += check_lines(server, check, status);
    });
    return out + of_files;
}

std::string files(const LvsView& view) {
    std::string out;
    for (const auto& file : view.files()) {
        std::string users;
        std::optional<std::int64_t> number;  // in the file: it is known by what it adds to a weight
        for_each_check(view, [&](const DumpedServer& server, const Checker& check, const CheckStatus* status) {
            if (check.type != Checker::Type::File || lvs::followed_name(check) != file.name) return;
            const auto rule = view.rule(check);
            users += fmt::format("     {}, weight {}\n", name_of_checks(server), text_of(rule));
            if (rule.weight != 0 && status != nullptr && status->weight)
                number = (*status->weight - server.config.weight) / (rule.reverse ? -rule.weight : rule.weight);
        });
        if (users.empty()) continue;
        out += fmt::format(" Track file = {}\n   File = {}\n", file.name, file.path);
        if (number) out += fmt::format("   Status = {}\n", *number);
        out += fmt::format("   Weight = {}{}\n   Tracking instances :\n{}", file.weight, reversed(file.reverse), users);
    }
    return out;
}

std::string sessions(const LvsView& view) {
    std::map<std::string, std::string, std::less<>> users;
    for_each_check(view, [&](const DumpedServer& server, const Checker& check, const CheckStatus*) {
        if (check.type == Checker::Type::Bfd)
            users[std::string{lvs::followed_name(check)}] += fmt::format("   {}\n", name_of(server));
    });
    std::string out;
    for (const auto& block : view.config().more->sections)
        if (block.keyword == keyword::bfd_instance && !block.names.empty())
            if (const auto found = users.find(block.names.front()); found != users.end())
                out += fmt::format(" Checker Track BFD = {}\n   Tracking RS :\n{}", found->first, found->second);
    return out;
}

}  // namespace

std::string checker_sections(const LvsView& view) {
    return section_if_any("Health checkers", checks(view)) + section_if_any("Checker track files", files(view)) +
           section_if_any("Checker track BFDs", sessions(view));
}

}  // namespace mainstay::report
