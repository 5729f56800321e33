// mainstayctl events and why.
#include "ctl_events.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <optional>
#include <thread>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "json_view.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "moments.hpp"
#include "output.hpp"
#include "status_view.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kEventsAtOnce = 500;
constexpr std::size_t kPagesMax = 100;  // of one question; the daemon holds 10,000 events
constexpr std::chrono::milliseconds kFollowEvery{500};
constexpr int kNoSuchObject = 1;

WallTime now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

// A value in a query: everything but letters, digits and a few marks is escaped (RFC 3986 2.1).
std::string escaped(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view{"-._~"}.find(c) != std::string_view::npos;
        out += plain ? std::string{c} : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

class EventPrinter {
public:
    EventPrinter(const std::string& socket, const EventsOptions& options, EventFilter filter)
        : socket_{socket}, options_{options}, filter_{std::move(filter)} {
        if (filter_.since_us > 0) last_id_ = static_cast<std::uint64_t>(filter_.since_us) - 1;
    }

    // Shows what has been added to the history since the last call.
    Result<void> show_new() {
        for (std::size_t page = 0; page < kPagesMax; ++page) {
            const auto answer =
                ask_daemon(socket_, fmt::format("/api/v1/events?after={}&limit={}", last_id_, kEventsAtOnce));
            if (!answer) return error_of(answer);
            const auto events = json_array(*answer);
            if (!events) return error_of(events);
            for (const auto& event : *events) take(event);
            if (events->size() < kEventsAtOnce) break;
        }
        for (const auto& line : std::exchange(lines_, {})) options_.as_json ? print(line) : print_coloured(line);
        most_ = 0;  // what follows is shown whole
        return {};
    }

private:
    void take(const json& event) {
        last_id_ = std::max(last_id_, static_cast<std::uint64_t>(number(event, "id")));
        if (!is_shown(event, filter_)) return;
        lines_.push_back(options_.as_json ? event.dump() + "\n" : event_line(event, utc_offset_s()));
        if (most_ != 0 && lines_.size() > most_) lines_.pop_front();
    }

    const std::string& socket_;
    const EventsOptions& options_;
    EventFilter filter_;
    std::uint64_t last_id_ = 0;
    std::size_t most_ = options_.most;
    std::deque<std::string> lines_;
};

// The history has bounds, and its files may have been damaged or removed.
Result<void> report_beginning(const std::string& socket, WallTime since) {
    const auto answer = ask_daemon(socket, "/api/v1/events?after=0&limit=1");
    if (!answer) return error_of(answer);
    const auto oldest = json_array(*answer);
    if (!oldest) return error_of(oldest);
    if (oldest->empty())
        print_error("mainstayctl: no event is known\n");
    else if (const WallTime at{number(oldest->at(0), "at_unix_us")}; at.unix_us > since.unix_us)
        print_error(
            fmt::format("mainstayctl: the oldest event that is known is of {}: what happened before is not known\n",
                        local_text(at, utc_offset_s())));
    return {};
}

// The daemon may have lost events: what a damaged file held, and what was overwritten before it was read.
Result<void> report_gaps(const std::string& socket, WallTime since) {
    const auto answer = ask_daemon(socket, "/api/v1/events/gaps");
    if (!answer) return answer.error().code() == Errc::Invalid ? Result<void>{} : error_of(answer);  // an older daemon
    const auto gaps = json_array(*answer);
    if (!gaps) return error_of(gaps);
    for (const auto& gap : *gaps)
        if (const auto line = gap_line(gap, since, utc_offset_s()); !line.empty()) print_error("mainstayctl: " + line);
    return {};
}

// Until it is interrupted; while the daemon does not answer, it goes on asking.
int follow(EventPrinter& printer) {
    bool absent = false;
    for (;;) {
        if (const int lost = finish_output("mainstayctl", 0, kUsage); lost != 0) return lost;
        std::this_thread::sleep_for(kFollowEvery);
        const auto shown = printer.show_new();
        if (!shown && !absent) print_error("mainstayctl: " + shown.error().text() + "; still waiting\n");
        absent = !shown;
    }
}

}  // namespace

int ctl_events(const std::string& socket, const EventsOptions& options) {
    EventFilter filter{.since_us = 0, .instance = options.instance, .service = options.service};
    EventsOptions wanted = options;
    if (!options.since.empty()) {
        const auto since = moment_from(options.since, now(), utc_offset_s());
        if (!since) return complain(since.error());
        filter.since_us = since->unix_us;
        wanted.most = 0;
    }
    if (filter.since_us > 0)
        if (const auto begun = report_beginning(socket, {filter.since_us}); !begun) return complain(begun.error());
    if (const auto said = report_gaps(socket, {filter.since_us}); !said) return complain(said.error());
    EventPrinter printer{socket, wanted, std::move(filter)};
    if (const auto shown = printer.show_new(); !shown) return complain(shown.error());
    return options.follow ? follow(printer) : 0;
}

int ctl_why(const std::string& socket, const std::string& name, bool as_json) {
    const auto answer = ask_daemon(socket, "/api/v1/why?name=" + escaped(name));
    if (!answer) {
        const bool unknown = answer.error().code() == Errc::Invalid;
        const int code = complain(answer.error());
        return unknown ? kNoSuchObject : code;
    }
    if (as_json) {
        print(*answer);
        return 0;
    }
    const auto found = json_object(*answer);
    if (!found) return complain(found.error());
    std::string out;
    for (const auto& reason : list(*found, "reasons"))
        if (reason.is_string()) out += (out.empty() ? "" : "  ") + reason.get<std::string>() + "\n";
    print_coloured(out);
    return 0;
}

using nlohmann::json;

bool is_shown(const json& event, const EventFilter& filter) {
    if (number(event, "at_unix_us") < filter.since_us) return false;
    if (filter.instance.empty() && filter.service.empty()) return true;
    const auto kind = text(event, "kind"), name = text(event, "name");
    if (!filter.instance.empty() && (kind == "instance" || kind == "group") && is_like(name, filter.instance))
        return true;
    if (filter.service.empty()) return false;
    if (kind == "service") return is_called(name, filter.service);
    return kind == "server" && is_called(text(event, "parent"), filter.service);
}

std::string gap_line(const json& gap, WallTime since, int utc_offset_s) {
    const WallTime after{number(gap, "after_unix_us")}, before{number(gap, "before_unix_us")};
    if (before.unix_us != 0 && before.unix_us < since.unix_us) return {};
    const auto from = after.unix_us == 0 ? "" : " from " + local_text(after, utc_offset_s);
    const auto to = before.unix_us == 0 ? "" : " to " + local_text(before, utc_offset_s);
    return fmt::format("events{}{} may be missing: {}\n", from, to, text(gap, "why"));
}

std::string event_line(const json& event, int utc_offset_s) {
    const auto parent = text(event, "parent"), why = text(event, text(event, "reason").empty() ? "detail" : "reason");
    const auto word = text(event, "transition");
    const auto known = transition_from(word);  // not of a later version
    const std::string transition = known ? plain_word(*known) : word;
    std::string out =
        fmt::format("{}  {} {}{}  {}", local_text({number(event, "at_unix_us")}, utc_offset_s), text(event, "kind"),
                    text(event, "name"), parent.empty() ? "" : " of " + parent, transition);
    if (const auto priority = number(event, "priority"); priority > 0) out += fmt::format("  priority {}", priority);
    if (!why.empty()) out += "  " + why;
    return out + "\n";
}

}  // namespace mainstay::cli
