// What several renderings take from the state document.
#include "report/document_queries.hpp"

#include <doctest/doctest.h>

#include "mainstay/report/why.hpp"

using namespace mainstay;
using namespace mainstay::report;

TEST_CASE("entries are found by their names, and trackers by their kind and name") {
    using Kind = vrrp::TrackerSnapshot::Kind;
    VrrpStatus status;
    status.router.instances = {{.name = "VI_1"}, {.name = "VI_2", .virtual_router_id = 52}};
    status.router.groups = {{.name = "G1", .state = vrrp::State::Fault, .last_mailed = {}}};
    status.router.scripts = {{.name = "chk", .runs = 7}};
    status.router.bfds = {{.name = "B1", .up = true}};
    status.router.trackers = {{.kind = Kind::Process, .name = "T", .value = 1, .up = true},
                              {.kind = Kind::File, .name = "T", .value = 2, .up = true}};
    CHECK(find_instance(status, "VI_2")->virtual_router_id == 52);
    CHECK(find_group(status, "G1")->state == vrrp::State::Fault);
    CHECK(find_script(status, "chk")->runs == 7);
    CHECK(find_bfd(status, "B1")->up);
    CHECK(find_tracker(status, Kind::File, "T")->value == 2);
    CHECK(find_tracker(status, Kind::Process, "T")->value == 1);
    CHECK(find_instance(status, "VI") == nullptr);
    CHECK(find_group(status, "VI_1") == nullptr);
    CHECK(find_script(status, "B1") == nullptr);
    CHECK(find_bfd(status, "chk") == nullptr);
    CHECK(find_tracker(status, Kind::File, "chk") == nullptr);
}

TEST_CASE(
    "an advert that a MASTER hears, even a refused one, is of another MASTER, while the next one may still come") {
    DaemonStatus status;
    status.clock = Instant{std::chrono::seconds{1'000}};
    status.now = {1'000'000'000};
    vrrp::InstanceSnapshot one;
    one.state = vrrp::State::Master;
    one.since = {900'000'000};  // 100 s ago
    one.master_interval = Micros{1'000'000};
    const auto problem = [&](const char* kind, int seconds_ago) {
        const auto at = status.clock - std::chrono::seconds{seconds_ago};
        return vrrp::PeerProblem{kind, *IpAddress::parse("10.0.0.2"), at, 1, "text"};
    };
    const auto heard = [&](std::vector<vrrp::PeerProblem> problems) {
        one.problems = std::move(problems);
        const auto* other = other_master(status, one);
        return other == nullptr ? std::string{} : other->kind;
    };
    CHECK(heard({}).empty());
    CHECK(heard({problem("password", 10)}) == "password");
    CHECK(heard({problem("password", 11)}).empty());
    CHECK(heard({problem("password", 3), problem("rival_master", 2), problem("version", 4)}) == "rival_master");
    CHECK(heard({problem("lower_priority", 1)}).empty());
    one.master_interval = Micros{10'000'000};
    CHECK(heard({problem("password", 40)}) == "password");
    one.since = {970'000'000};
    CHECK(heard({problem("password", 40)}).empty());  // as BACKUP
    one.since = {1'000'000'001};                      // the calendar was set back
    CHECK(heard({problem("password", 40)}) == "password");
    one.state = vrrp::State::Backup;
    CHECK(heard({problem("password", 1)}).empty());
}

TEST_CASE("a state has keepalived's number, and what is no state has that of INIT") {
    CHECK(state_number(vrrp::State::Init) == 0);
    CHECK(state_number(vrrp::State::Backup) == 1);
    CHECK(state_number(vrrp::State::Master) == 2);
    CHECK(state_number(vrrp::State::Fault) == 3);
    CHECK(state_number(static_cast<vrrp::State>(77)) == 0);
}

TEST_CASE("three transitions lead to a state") {
    CHECK(state_after(Transition::Backup) == vrrp::State::Backup);
    CHECK(state_after(Transition::Master) == vrrp::State::Master);
    CHECK(state_after(Transition::Fault) == vrrp::State::Fault);
    for (const auto other : {Transition::Stop, Transition::Deleted, Transition::MasterPriority, Transition::Up})
        CHECK_FALSE(state_after(other));
}

TEST_CASE("a tracker without a first result is neither up nor down") {
    CHECK(up_state(false, true) == UpState::Unknown);
    CHECK(up_state(false, false) == UpState::Unknown);
    CHECK(up_state(true, false) == UpState::Down);
    CHECK(up_state(true, true) == UpState::Up);
    CHECK(up_state(vrrp::ScriptSnapshot{.known = true, .up = true}) == UpState::Up);
    CHECK(up_state(vrrp::ScriptSnapshot{.known = false, .up = true}) == UpState::Unknown);
}

TEST_CASE("an instance holds its addresses as a master that owns them, and in no other state") {
    const auto holds = [](vrrp::State state, bool owns) {
        return holds_addresses({.state = state, .owns_addresses = owns});
    };
    CHECK(holds(vrrp::State::Master, true));
    CHECK_FALSE(holds(vrrp::State::Master, false));
    CHECK_FALSE(holds(vrrp::State::Backup, true));
}

TEST_CASE("in FAULT, and before one was heard, the master is not known") {
    const auto knows = [](vrrp::State state, const IpAddress& master, std::uint8_t priority = 100) {
        return knows_master({.state = state, .master = master, .master_priority = priority});
    };
    const auto heard = *IpAddress::parse("10.0.0.2");
    CHECK(knows(vrrp::State::Backup, heard));
    CHECK(knows(vrrp::State::Master, heard));
    CHECK_FALSE(knows(vrrp::State::Fault, heard));
    CHECK_FALSE(knows(vrrp::State::Backup, {}));
    CHECK_FALSE(knows(vrrp::State::Backup, heard, 0));  // itself, before it stepped back
    CHECK(knows(vrrp::State::Master, heard, 0));
}

TEST_CASE("the servers that are alive are counted") {
    ServiceStatus service;
    CHECK(count_alive(service) == 0);
    service.servers = {{.name = "a", .alive = true}, {.name = "b", .alive = false}, {.name = "c", .alive = true}};
    CHECK(count_alive(service) == 2);
}

TEST_CASE("counters belong to a service and a server by their position") {
    LvsStatus status;
    status.services.resize(2);
    CHECK(traffic_of(status, 0) == nullptr);
    CHECK(traffic_of_all(status) == nullptr);
    status.traffic.emplace(1);
    (*status.traffic)[0].servers.resize(1);
    CHECK(traffic_of(status, 0) == &(*status.traffic)[0]);
    CHECK(traffic_of(status, 1) == nullptr);
    CHECK(traffic_of(traffic_of(status, 0), 0) == &(*status.traffic)[0].servers[0]);
    CHECK(traffic_of(traffic_of(status, 0), 1) == nullptr);
    CHECK(traffic_of(nullptr, 0) == nullptr);
    CHECK(traffic_of_all(status) == nullptr);
    status.traffic->resize(2);
    CHECK(traffic_of_all(status) == &*status.traffic);
}

TEST_CASE("why names a rival master that is heard again and again once, and what was before it") {
    DaemonStatus status{.now = {100'000'000}};
    status.vrrp.emplace().router.instances.emplace_back().name = "VI_1";
    std::vector<HistoryEntry> events;
    const auto happened = [&](Transition transition, std::int64_t at_s) {
        Event event{.name = "VI_1", .transition = transition, .at = {at_s * 1'000'000}};
        events.push_back({.id = events.size() + 1, .source = "vrrp", .event = std::move(event)});
    };
    happened(Transition::Master, 10);
    for (const int at_s : {20, 30, 40}) happened(Transition::LowerPriorityHeard, at_s);

    const auto answer = why({.status = status, .events = events}, "VI_1");
    REQUIRE(answer.found.has_value());
    REQUIRE(answer.found->reasons.size() == 3);
    CHECK(answer.found->reasons[1] ==
          "00:00:40: VI_1 received an advertisement of another master with a lower priority");
    CHECK(answer.found->reasons[2] == "00:00:10: VI_1 changed to MASTER");
}
