// Facts and intents of the judge, for people.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mainstay/base/counted.hpp"
#include "mainstay/record/judge_replay.hpp"

namespace mainstay::record {

namespace {

std::string service_text(const lvs::Judge& judge, std::size_t service) {
    return service < judge.services().size() ? config::service_name(judge.services()[service]) : "a removed service";
}

std::string check_text(const lvs::Judge& judge, lvs::CheckerId id) {
    const auto place = judge.place(id);
    if (!place) return fmt::format("check {} of a removed server", id);
    const auto& service = judge.services()[place->service];
    const auto& server = service.real_servers[place->server];
    return fmt::format("{} of {} of VS {}", lvs::keyword_of(server.checkers[place->checker].type),
                       config::server_name(server.endpoint, service.protocol), config::service_name(service));
}

std::string_view word_of(lvs::Outcome outcome) {
    switch (outcome) {
        case lvs::Outcome::Passed:
            return "passed";
        case lvs::Outcome::Failed:
            return "failed";
        case lvs::Outcome::TimedOut:
            return "timed out";
        case lvs::Outcome::NotRun:
            break;
    }
    return "could not be run";
}

std::string text_of(const lvs::CheckFinished& f, const lvs::Judge& judge) {
    return fmt::format("{} {}{}{}", check_text(judge, f.checker), word_of(f.outcome), f.reason.empty() ? "" : ": ",
                       f.reason);
}
std::string text_of(const lvs::DeadlineReached&, const lvs::Judge&) { return "a deadline"; }
std::string text_of(const lvs::ConnectionsCounted& f, const lvs::Judge& judge) {
    return fmt::format("the connections of {} destinations of VS {}", f.destinations.size(),
                       service_text(judge, f.service));
}
std::string text_of(const lvs::AddressesChanged& f, const lvs::Judge&) {
    return fmt::format("the host has {} addresses", f.addresses.size());
}
std::string text_of(const lvs::Fact& fact, const lvs::Judge& judge) {
    return std::visit([&](const auto& f) { return text_of(f, judge); }, fact);
}
std::string text_of(const lvs::ServerCommand& f, const lvs::Judge&) {
    return fmt::format("an operator's command: {} {}{}{}", lvs::word_of(f.verb), f.which, f.by.empty() ? "" : ", by ",
                       f.by);
}
std::string text_of(const JudgeStarted& f, const lvs::Judge&) {
    return fmt::format("start, with {}{}", counted(f.config->virtual_servers.size(), "virtual server"),
                       f.memory.empty() ? "" : " and the state of the process before");
}
std::string text_of(const JudgeReloaded& f, const lvs::Judge&) {
    return fmt::format("reload, with {}", counted(f.config->virtual_servers.size(), "virtual server"));
}
std::string text_of(const JudgeChanged& f, const lvs::Judge&) {
    return fmt::format("reload, which changes {}", counted(f.services.size(), "virtual server"));
}
std::string text_of(const JudgeStopped& f, const lvs::Judge&) {
    return f.keep ? "stop, which keeps the table" : "stop";
}

std::string text_of(const lvs::StartCheck& i, const lvs::Judge& judge) {
    return fmt::format("start {}", check_text(judge, i.checker));
}
std::string text_of(const lvs::CancelCheck& i, const lvs::Judge& judge) {
    return fmt::format("cancel {}", check_text(judge, i.checker));
}
std::string text_of(const lvs::Announce& i, const lvs::Judge&) {
    const std::string& why = i.event.reason.empty() ? plain_detail(i.event) : i.event.reason;
    return fmt::format("event {}{}{} {}{}{}", i.event.name, i.event.parent.empty() ? "" : " of VS ", i.event.parent,
                       to_string(i.event.transition), why.empty() ? "" : ": ", why);
}
std::string text_of(const lvs::WriteLog& i, const lvs::Judge&) { return fmt::format("log: {}", i.line.text); }
std::string text_of(const lvs::TableChanged& i, const lvs::Judge& judge) {
    return fmt::format("write the table of VS {}", service_text(judge, i.service));
}
std::string text_of(const lvs::CountConnections& i, const lvs::Judge& judge) {
    return fmt::format("count the connections of VS {}", service_text(judge, i.service));
}

// What a filter matches.
class Filter {
public:
    Filter(const lvs::Judge& judge, const lvs::ServerPattern& pattern, bool whole_service)
        : judge_{judge}, whole_service_{whole_service} {
        for (std::size_t v = 0; v < judge.services().size(); ++v) {
            const auto& service = judge.services()[v];
            if (!lvs::matches(pattern, service)) continue;
            if (whole_service) services_.insert(v), names_.insert(config::service_name(service));
            for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
                const auto& server = service.real_servers[s];
                if (!lvs::matches(pattern, service, server)) continue;
                servers_.insert({v, s});
                names_.insert(config::server_name(server.endpoint, service.protocol));
            }
        }
    }
    [[nodiscard]] bool finds_something() const { return !services_.empty() || !servers_.empty(); }
    [[nodiscard]] bool has(lvs::CheckerId id) const {
        const auto place = judge_.place(id);
        return place && servers_.contains(*place);
    }
    [[nodiscard]] bool has_service(std::size_t service) const { return services_.contains(service); }
    [[nodiscard]] bool has(const Event& event) const {
        return names_.contains(event.name) || (whole_service_ && names_.contains(event.parent));
    }
    [[nodiscard]] bool has(const std::string& line) const {
        return std::ranges::any_of(names_, [&](const auto& name) { return line.contains(name); });
    }
    [[nodiscard]] bool has(const lvs::Intent& intent) const {
        if (const auto* i = std::get_if<lvs::StartCheck>(&intent)) return has(i->checker);
        if (const auto* i = std::get_if<lvs::CancelCheck>(&intent)) return has(i->checker);
        if (const auto* i = std::get_if<lvs::Announce>(&intent)) return has(i->event);
        if (const auto* i = std::get_if<lvs::WriteLog>(&intent)) return has(i->line.text);
        if (const auto* i = std::get_if<lvs::TableChanged>(&intent)) return has_service(i->service);
        return has_service(std::get<lvs::CountConnections>(intent).service);
    }

private:
    const lvs::Judge& judge_;
    bool whole_service_;
    std::set<std::size_t> services_;
    std::set<lvs::ServerRef> servers_;
    std::set<std::string> names_;
};

}  // namespace

std::string describe_fact(const JudgeEntry& entry, const lvs::Judge& judge) {
    return std::visit([&](const auto& what) { return text_of(what, judge); }, entry.what);
}

std::string describe_intent(const lvs::Intent& intent, const lvs::Judge& judge) {
    return std::visit([&](const auto& i) { return text_of(i, judge); }, intent);
}

bool concerns(const ReplayedJudgeStep& step, const lvs::ServerPattern& pattern, bool whole_service) {
    const Filter filter{step.judge, pattern, whole_service};
    if (const auto* fact = std::get_if<lvs::Fact>(&step.entry.what)) {
        if (const auto* finished = std::get_if<lvs::CheckFinished>(fact)) return filter.has(finished->checker);
        if (const auto* counted = std::get_if<lvs::ConnectionsCounted>(fact))
            return filter.has_service(counted->service);
    }
    return std::ranges::any_of(step.intents, [&](const auto& intent) { return filter.has(intent); });
}

bool is_known(const lvs::Judge& judge, const lvs::ServerPattern& pattern) {
    const bool whole_service = pattern.servers == "*";
    return Filter{judge, pattern, whole_service}.finds_something();
}

}  // namespace mainstay::record
