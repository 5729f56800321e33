#include "validate.hpp"

#include <algorithm>

#include "config/schema/setters.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

void check_reply_lengths(Diagnoser& diag, const CheckerDraft& checker) {
    const auto& values = checker.model.more->values;
    const auto least = value_of(values, keyword::min_reply_length).value_or(0);
    const auto most = value_or_default(values, keyword::max_reply_length);
    if (least <= most) return;
    auto& d = diag.warn(Code::OutOfRange, checker.mark,
                        fmt::format("UDP_CHECK: min_reply_length {} is more than max_reply_length {}", least, most));
    d.effect = "a check with a reply pattern always fails";
}

bool names(Diagnoser& diag, const CheckerDraft& checker, std::string_view check, const KeywordName& keyword) {
    if (!first_word(checker.model.more->values, keyword).empty()) return true;
    diag.error(Code::CheckerIncomplete, checker.mark, fmt::format("{} has no {}", check, keyword.text)).effect =
        "the check is left out";
    return false;
}

template <class T, class M>
void take(const Section& host, const Keyword<T>& keyword, M& member) {
    if (const auto value = value_of(host.values, keyword)) member = static_cast<M>(*value);
}
template <class T>
void take(const Section& host, const Keyword<T>& keyword, std::optional<T>& member) {
    if (const auto value = value_of(host.values, keyword)) member = value;
}

CheckerDraft of_host(const CheckerDraft& whole, const Section& host) {
    CheckerDraft one = whole;
    take(host, keyword::connect_ip, one.connect_ip);
    take(host, keyword::connect_port, one.connect_port);
    take(host, keyword::bindto, one.bind_ip);
    take(host, keyword::bind_port, one.bind_port);
    if (const auto word = first_word(host.values, keyword::bind_if); !word.empty()) one.model.bind_if = word;
    take(host, keyword::connect_timeout, one.own.connect_timeout);
    take(host, keyword::delay_before_retry, one.own.delay_before_retry);
    take(host, keyword::warmup, one.own.warmup);
    take(host, keyword::delay_loop, one.own.delay_loop);
    take(host, keyword::alpha, one.own.alpha);
    take(host, keyword::log_all_failures, one.log_all_failures);
    if (const auto retry = value_of(host.values, keyword::retry)) one.own.retry = static_cast<std::uint32_t>(*retry);
    ExtraSettings& more = one.model.more.edit();
    std::erase_if(more.sections, [](const Section& section) { return section.keyword == keyword::host; });
    if (const KeywordData* mark = find_value(host.values, keyword::fwmark))
        set_value(more.values, keyword::fwmark, *mark);
    return one;
}

}  // namespace

bool check_checker(Diagnoser& diag, const CheckerDraft& checker) {
    switch (checker.model.type) {
        case Checker::Type::File:
            return names(diag, checker, "FILE_CHECK", keyword::track_file);
        case Checker::Type::Bfd:
            return names(diag, checker, "BFD_CHECK", keyword::name);
        case Checker::Type::Udp:
            check_reply_lengths(diag, checker);
            return true;
        default:
            return true;
    }
}

void advise_port(Diagnoser& diag, const CheckerDraft& checker, const std::string& server) {
    using Type = Checker::Type;
    const Type type = checker.model.type;
    if (type == Type::Misc || type == Type::File || type == Type::Bfd || type == Type::Ping) return;
    auto& d = diag.advise(Code::ZeroPort, checker.mark,
                          fmt::format("real server {} has no port, and so its check has none", server));
    d.effect = "it asks port 0, where nothing answers";
    d.fix = "add `connect_port PORT` to the check";
}

void check_pattern(ParseContext& r) {
    if (!r.environment.pattern_problem || !is_given(r.url->more->values, keyword::regex)) return;
    const std::string problem = r.environment.pattern_problem(*r.url);
    if (problem.empty()) return;
    auto& d = r.diag.add(Severity::Warning, Rank::None, Code::BadPattern, r.pattern_mark, problem);
    d.effect = "the check is never run, and does not affect its server";
    if (problem.find('\\') != std::string::npos) d.fix = "escapes are processed first: write \\\\s for PCRE2's \\s";
}

std::string_view dns_name_problem(std::string_view name) {
    constexpr std::size_t kLabelMost = 63, kNameMost = 253;  // RFC 1035 section 2.3.4
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() > kNameMost) return "it is longer than 253 characters";
    while (!name.empty()) {
        const std::size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (label.empty() || dot + 1 == name.size()) return "it has an empty label";
        if (label.size() > kLabelMost) return "a label is longer than 63 characters";
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return {};
}

void check_dns_name(ParseContext& r, const Value& v) {
    const std::string_view problem = dns_name_problem(v.word);
    if (problem.empty()) return;
    r.diag.error(Code::UnknownWord, v.mark, fmt::format("'{}' is not a DNS name: {}", v.word, problem)).effect =
        "the root is queried";
}

bool resolve_urls(Diagnoser& diag, CheckerDraft& draft, const std::string& virtualhost) {
    Checker& c = draft.model;
    const auto pathless = std::erase_if(c.urls.edit(), [](const HttpUrl& url) { return url.path.empty(); });
    for (std::size_t n = 0; n < pathless; ++n)
        diag.error(Code::CheckerIncomplete, draft.mark, "a url has no path").effect =
            c.urls.empty() ? "the url is left out, and so is the check: it has no other" : "the url is left out";
    for (HttpUrl& url : c.urls.edit()) {
        if (url.status_codes.empty()) url.status_codes.push_back({});
        if (url.virtualhost.empty()) url.virtualhost = virtualhost;
    }
    if (c.urls.empty() && pathless == 0)
        diag.error(Code::CheckerIncomplete, draft.mark, "HTTP_GET and SSL_GET need at least one url { path ... }")
            .effect = "the check is left out";
    return !c.urls.empty();
}

void split_hosts(std::vector<CheckerDraft>& checkers) {
    const auto has_hosts = [](const CheckerDraft& checker) {
        return checker.model.type == Checker::Type::Smtp &&
               find_section(checker.model.more->sections, keyword::host) != nullptr;
    };
    if (std::ranges::none_of(checkers, has_hosts)) return;
    std::vector<CheckerDraft> all;
    for (CheckerDraft& checker : checkers) {
        if (!has_hosts(checker)) {
            all.push_back(std::move(checker));
            continue;
        }
        for (const Section& section : checker.model.more->sections)
            if (section.keyword == keyword::host) all.push_back(of_host(checker, section));
    }
    checkers = std::move(all);
}

void drop_unfollowable(ParseContext& r, std::vector<VirtualServer>& services) {
    if (r.tracked_too_early.empty()) return;
    const auto is_missing = [&](const Checker& checker) {
        const bool file = checker.type == Checker::Type::File;
        if (!file && checker.type != Checker::Type::Bfd) return false;
        const KeywordName keyword = file ? keyword::track_file : keyword::bfd_instance;
        const std::string name = file ? first_word(checker.more->values, keyword::track_file)
                                      : first_word(checker.more->values, keyword::name);
        return std::ranges::none_of(r.tracked, [&](const auto& tracked) {
            return tracked.keyword == keyword && tracked.name == name && tracked.for_checkers;
        });
    };
    for (VirtualServer& service : services)
        for (RealServer& server : service.real_servers) server.checkers.erase_if(is_missing);
    for (const auto& [keyword, name, entry, mark] : r.tracked_too_early) {
        if (entry != Diagnoser::kNowhere) continue;  // of an instance: said already
        const auto there = std::ranges::find_if(
            r.tracked, [&](const auto& tracked) { return tracked.keyword == keyword && tracked.name == name; });
        if (there != r.tracked.end() && there->for_checkers) continue;
        const bool is_defined = there != r.tracked.end();
        auto& d = r.diag.error(Code::TrackerUndefined, mark,
                               is_defined ? fmt::format("{} {} reports to VRRP alone", keyword, name)
                                          : fmt::format("there is no {} {}", keyword, name));
        d.effect = "the checks that follow it are left out";
        if (is_defined) d.fix = fmt::format("add `checker` to the {}", keyword);
    }
}

}  // namespace mainstay::config
