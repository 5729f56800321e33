// The lines of a burst of events, at a socket that stands for syslog's.
#include "role/common/event_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "fake_syslog.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::role::test::Syslog;

namespace {

Event server_down(std::int64_t unix_us) {
    return {.kind = Event::Kind::RealServer,
            .name = "[10.0.0.11]:tcp:80",
            .parent = "[10.0.0.1]:tcp:80",
            .transition = Transition::Down,
            .reason = "connection refused",
            .at = {unix_us}};
}

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

TEST_CASE("the line of an event names its object, its state and the reason, by its severity") {
    const Syslog syslog;
    kernel::DaemonLog log{{.ident = "t", .socket = syslog.folder + "/log", .facility = 3}};
    EventLog events{log};
    const auto severity_and_text = [&](const Event& event) {
        events.write(event);
        const auto line = syslog.datagram();
        if (line.empty()) return line;
        return line.substr(0, line.find('>') + 1) + line.substr(line.find("]: ") + 3);
    };
    using Kind = Event::Kind;
    Event event{.kind = Kind::Instance, .name = "VI_1", .transition = Transition::Master, .reason = "it was so"};
    CHECK(severity_and_text(event) == "<29>(VI_1) is MASTER: it was so");
    event.transition = Transition::Fault;
    CHECK(severity_and_text(event) == "<28>(VI_1) is FAULT: it was so");
    event.kind = Kind::Group;
    CHECK(severity_and_text(event) == "<28>VRRP_Group(VI_1) is FAULT: it was so");
    event.kind = Kind::VirtualServer;
    event.transition = Transition::Down;
    CHECK(severity_and_text(event) == "<28>VS VI_1 is DOWN: it was so");
    CHECK(severity_and_text(server_down(kSecond)) ==
          "<28>[10.0.0.11]:tcp:80 of VS [10.0.0.1]:tcp:80 is DOWN: connection refused");
    auto up = server_down(kSecond);
    up.transition = Transition::Up;
    CHECK(severity_and_text(up) == "<29>[10.0.0.11]:tcp:80 of VS [10.0.0.1]:tcp:80 is UP: connection refused");

    auto silent = event, without_reason = event, priority_alone = event;
    silent.notify = false;
    without_reason.reason.clear();
    priority_alone.transition = Transition::MasterPriority;
    CHECK(severity_and_text(silent).empty());
    CHECK(severity_and_text(without_reason).empty());
    CHECK(severity_and_text(priority_alone).empty());
    log.set_level(LogLevel::Warning);
    CHECK(severity_and_text(up).empty());
    CHECK_FALSE(severity_and_text(server_down(kSecond)).empty());
}

TEST_CASE("journald gets the fields of each event, also of those whose text another line has") {
    const Syslog journal;
    kernel::DaemonLog log{{.ident = "t", .socket = journal.folder + "/log", .journal = true}};
    EventLog events{log};
    const auto fields = [&](const Event& event) {
        events.write(event);
        std::set<std::string> mine;
        std::istringstream all{journal.datagram()};
        for (std::string line; std::getline(all, line);)
            if (line.starts_with("MAINSTAY_")) mine.insert(line);
        return mine;
    };
    using Fields = std::set<std::string>;
    using Kind = Event::Kind;
    Event event{
        .kind = Kind::Instance, .name = "VI_1", .transition = Transition::Master, .reason = "why", .priority = 150};
    CHECK(fields(event) ==
          Fields{"MAINSTAY_EVENT=MASTER", "MAINSTAY_INSTANCE=VI_1", "MAINSTAY_PRIORITY=150", "MAINSTAY_REASON=why"});
    event.kind = Kind::Group;
    CHECK(fields(event) == Fields{"MAINSTAY_EVENT=MASTER", "MAINSTAY_GROUP=VI_1", "MAINSTAY_REASON=why"});
    event.kind = Kind::VirtualServer;
    event.reason.clear();
    CHECK(fields(event) == Fields{"MAINSTAY_EVENT=MASTER", "MAINSTAY_SERVICE=VI_1"});
    CHECK(fields(server_down(kSecond)) == Fields{"MAINSTAY_EVENT=DOWN", "MAINSTAY_REASON=connection refused",
                                                 "MAINSTAY_SERVER=[10.0.0.11]:tcp:80",
                                                 "MAINSTAY_SERVICE=[10.0.0.1]:tcp:80"});
    event.notify = false;
    CHECK(fields(event).empty());
}

TEST_CASE("the count of lines that a burst left out is logged soon after it, without another event") {
    const Syslog syslog;
    kernel::DaemonLog log{{.ident = "t", .socket = syslog.folder + "/log"}};
    EventLog events{log};
    std::uint32_t lines = 0;
    for (std::uint32_t i = 0; i < kServerLinesPerSecondMax + 7; ++i) {
        events.write(server_down(100 * kSecond + i));
        lines += syslog.next().empty() ? 0 : 1;
    }
    CHECK(lines == kServerLinesPerSecondMax);
    events.tick({100 * kSecond + 900'000});
    CHECK(syslog.next().empty());
    events.tick({101 * kSecond});
    CHECK(syslog.next() == "7 servers more changed their state within a second; mainstayctl events shows them");
    events.tick({102 * kSecond});
    CHECK(syslog.next().empty());
    events.write(server_down(102 * kSecond));
    CHECK(syslog.next() == "[10.0.0.11]:tcp:80 of VS [10.0.0.1]:tcp:80 is DOWN: connection refused");
}
