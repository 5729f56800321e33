#include "mainstay/lvs/sync.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::lvs;
using netlink::IpvsDaemon;
using netlink::IpvsTimeouts;
using State = IpvsDaemon::State;
using StepKind = DaemonStep::Kind;

namespace {

config::SyncDaemon on_eth1(std::string instance = "VI_1") {
    config::SyncDaemon sync;
    sync.interface = "eth1";
    sync.instance = std::move(instance);
    sync.id = 51;
    return sync;
}

IpvsDaemon asked(State state) { return {.state = state, .interface = "eth1", .sync_id = 51}; }

// As the kernel tells of it.
IpvsDaemon running(State state) {
    return {.state = state,
            .interface = "eth1",
            .sync_id = 51,
            .maxlen = 1472,
            .port = 8848,
            .ttl = 1,
            .group = *IpAddress::parse("224.0.0.81")};
}

using Steps = std::vector<DaemonStep>;
using Daemons = std::vector<IpvsDaemon>;

}  // namespace

TEST_CASE("the daemon is the master's while the instance is master, else the backup's, and both without an instance") {
    CHECK(wanted_daemons(on_eth1(), true) == Daemons{asked(State::Master)});
    CHECK(wanted_daemons(on_eth1(), false) == Daemons{asked(State::Backup)});
    CHECK(wanted_daemons(on_eth1(""), std::nullopt) == Daemons{asked(State::Master), asked(State::Backup)});
}

TEST_CASE("what runs is left alone until it is known whether the instance is master") {
    CHECK(wanted_daemons(on_eth1(), std::nullopt) == std::nullopt);
}

TEST_CASE("every word of lvs_sync_daemon is in the request") {
    auto sync = on_eth1();
    sync.maxlen = 1000;
    sync.port = 9000;
    sync.ttl = 3;
    sync.group = IpAddress::parse("ff05::51");
    CHECK(wanted_daemons(sync, true) == Daemons{{.state = State::Master,
                                                 .interface = "eth1",
                                                 .sync_id = 51,
                                                 .maxlen = 1000,
                                                 .port = 9000,
                                                 .ttl = 3,
                                                 .group = *IpAddress::parse("ff05::51")}});
}

TEST_CASE("a change of state stops the one before it starts the other") {
    CHECK(plan_daemons(Daemons{asked(State::Master)}, Daemons{running(State::Backup)}, false) ==
          Steps{{StepKind::Stop, running(State::Backup)}, {StepKind::Start, asked(State::Master)}});
}

TEST_CASE("a daemon that runs as it is wanted is not touched, the kernel's defaults counting as said") {
    CHECK(plan_daemons(Daemons{asked(State::Master)}, Daemons{running(State::Master)}, false).empty());

    IpvsDaemon full = asked(State::Backup);
    full.port = 8848;
    full.ttl = 1;
    full.group = *IpAddress::parse("224.0.0.81");
    full.maxlen = 1472;
    CHECK(plan_daemons(Daemons{full}, Daemons{running(State::Backup)}, false).empty());
}

TEST_CASE("a daemon that runs otherwise starts anew") {
    const auto restarted = [](const IpvsDaemon& actual) {
        return plan_daemons(Daemons{asked(State::Master)}, Daemons{actual}, false) ==
               Steps{{StepKind::Stop, actual}, {StepKind::Start, asked(State::Master)}};
    };
    IpvsDaemon other = running(State::Master);
    other.interface = "eth0";
    CHECK(restarted(other));
    other = running(State::Master);
    other.sync_id = 52;
    CHECK(restarted(other));
    other = running(State::Master);
    other.port = 9000;
    CHECK(restarted(other));
    other = running(State::Master);
    other.ttl = 2;
    CHECK(restarted(other));
    other = running(State::Master);
    other.group = *IpAddress::parse("224.0.0.82");
    CHECK(restarted(other));
}

TEST_CASE("a length is compared only when it was asked for, within what the kernel makes of it") {
    IpvsDaemon wanted = asked(State::Master);
    wanted.maxlen = 1000;
    IpvsDaemon actual = running(State::Master);
    actual.maxlen = 1000;
    CHECK(plan_daemons(Daemons{wanted}, Daemons{actual}, false).empty());
    actual.maxlen = 1472;
    CHECK(plan_daemons(Daemons{wanted}, Daemons{actual}, false).size() == 2);

    wanted.state = actual.state = State::Backup;  // which takes no less than 1024
    wanted.maxlen = 100;
    actual.maxlen = 1024;
    CHECK(plan_daemons(Daemons{wanted}, Daemons{actual}, false).empty());
}

TEST_CASE("what runs on an interface that came back starts anew though it looks the same") {
    CHECK(plan_daemons(Daemons{asked(State::Master)}, Daemons{running(State::Master)}, true) ==
          Steps{{StepKind::Stop, running(State::Master)}, {StepKind::Start, asked(State::Master)}});
}

TEST_CASE("nothing wanted stops both") {
    CHECK(plan_daemons({}, Daemons{running(State::Master), running(State::Backup)}, false) ==
          Steps{{StepKind::Stop, running(State::Master)}, {StepKind::Stop, running(State::Backup)}});
}

TEST_CASE("timeouts that are not said stay, and those that are not said any more become what they were") {
    constexpr IpvsTimeouts kKernel{900, 120, 300};
    CHECK(timeouts_to_set({7200, 0, 60}, kKernel, kKernel) == IpvsTimeouts{7200, 0, 60});
    CHECK(timeouts_to_set({7200, 0, 60}, kKernel, {7200, 120, 60}) == IpvsTimeouts{});
    CHECK(timeouts_to_set({0, 30, 60}, kKernel, {7200, 120, 60}) == IpvsTimeouts{900, 30, 0});
    CHECK(timeouts_to_set({}, kKernel, {7200, 30, 60}) == kKernel);
}

TEST_CASE("several lines of lvs_timeouts add up, and the later word counts") {
    config::Global global;
    const auto line = [](std::string word, Seconds value) {
        return config::Section{
            .keyword = "lvs_timeouts", .names = {}, .values = {{word, Micros{value}}}, .sections = {}};
    };
    global.more.edit().sections = {line("tcp", Seconds{100}), line("udp", Seconds{30}), line("tcp", Seconds{200})};
    CHECK(wanted_timeouts(global) == IpvsTimeouts{200, 0, 30});
}

TEST_CASE("a length may be less than was asked for by 128 bytes of headers, and never more") {
    const auto stays = [](State state, std::uint16_t wanted, std::uint16_t actual) {
        IpvsDaemon one = asked(state), other = running(state);
        one.maxlen = wanted;
        other.maxlen = actual;
        return plan_daemons(Daemons{one}, Daemons{other}, false).empty();
    };
    CHECK_FALSE(stays(State::Master, 1000, 1001));
    CHECK(stays(State::Master, 1000, 872));
    CHECK_FALSE(stays(State::Master, 1000, 871));
    CHECK(stays(State::Backup, 1000, 896));
    CHECK_FALSE(stays(State::Backup, 1000, 895));
    CHECK_FALSE(stays(State::Backup, 1000, 1025));
    CHECK(stays(State::Backup, 1400, 1400));
    CHECK_FALSE(stays(State::Backup, 1400, 1271));
}

TEST_CASE("of a daemon of a kernel that reports neither port nor length only interface and number are compared") {
    IpvsDaemon old{.state = State::Master, .interface = "eth1", .sync_id = 51};
    IpvsDaemon wanted = asked(State::Master);
    wanted.port = 9000;
    wanted.ttl = 3;
    wanted.maxlen = 1000;
    CHECK(plan_daemons(Daemons{wanted}, Daemons{old}, false).empty());
    old.sync_id = 52;
    CHECK(plan_daemons(Daemons{wanted}, Daemons{old}, false).size() == 2);
}

TEST_CASE("of two daemons the one that runs otherwise starts anew, and the other is not touched") {
    IpvsDaemon other = running(State::Backup);
    other.ttl = 9;
    CHECK(plan_daemons(Daemons{asked(State::Master), asked(State::Backup)}, Daemons{running(State::Master), other},
                       false) == Steps{{StepKind::Stop, other}, {StepKind::Start, asked(State::Backup)}});
}

TEST_CASE("every word of lvs_timeouts is read in seconds, and other blocks are not") {
    config::Global global;
    const config::KeywordValues words{
        {"tcp", Micros{7'200'000'000}}, {"tcpfin", Micros{120'900'000}}, {"udp", Micros{5'000'000}}};
    global.more.edit().sections = {{.keyword = "other", .names = {}, .values = words, .sections = {}}};
    CHECK(wanted_timeouts(global) == IpvsTimeouts{});
    global.more.edit().sections[0].keyword = "lvs_timeouts";
    CHECK(wanted_timeouts(global) == IpvsTimeouts{7200, 120, 5});
}
