// A flight record as the beginning of a history: what the LAN is made of, that the recorded state goes on, and what is
// refused.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "../record/bench.hpp"
#include "lan.hpp"

using namespace mainstay;
using namespace mainstay::sim;
using namespace std::chrono_literals;
using vrrp::State;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kHistories = 15;
#else
constexpr std::uint64_t kHistories = 150;
#endif
constexpr std::size_t kMemory = 4U << 20;
constexpr std::size_t kWhoseByte = 64 + 8 + 1;  // of the first part of a file: after the header, the time, their number

std::vector<std::byte> file_of(const Host& host) {
    const auto file = record::file_of_memory(std::as_bytes(std::span{host.record}), {});
    REQUIRE(file);
    return *file;
}

Beginning begin(const std::vector<std::byte>& file) {
    const auto beginning = beginning_of(file);
    REQUIRE_MESSAGE(beginning, (beginning ? "" : beginning.error().text()));
    return *beginning;
}

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

std::string refusal(const std::vector<std::byte>& file) {
    const auto beginning = beginning_of(file);
    return beginning ? "none" : beginning.error().text();
}

// Three directors of two virtual routers, of which the first is master.
Lan settled() {
    Lan lan{1, {.routers = 3, .virtual_routers = 2, .interval = Micros{1s}, .plain = true}};
    lan.record(kMemory);
    lan.start_all();
    lan.check_settled();
    REQUIRE_FALSE(lan.violation());
    return lan;
}

std::vector<State> states_of(const vrrp::RouterSnapshot& snapshot) {
    std::vector<State> states;
    for (const auto& instance : snapshot.instances) states.push_back(instance.state);
    return states;
}

std::vector<std::string> traced(const Beginning& beginning, std::uint64_t seed) {
    std::vector<std::string> lines;
    Lan lan{beginning, seed};
    lan.trace([&](const std::string& line) { lines.push_back(line); }, true);
    lan.run(Nanos{lan.plan().interval} * 50);
    return lines;
}

std::filesystem::path written(const std::string& name, const std::vector<std::byte>& bytes) {
    const auto path = std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()));
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                                static_cast<std::streamsize>(bytes.size()));
    return path;
}

// What the program beside this one prints, and its exit status.
std::pair<std::string, int> simulate(const std::string& options) {
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "simulate";
    std::FILE* output = ::popen(("'" + program.string() + "' " + options + " 2>&1").c_str(), "r");
    REQUIRE(output != nullptr);
    std::string text;
    std::array<char, 4096> room{};
    while (const auto got = std::fread(room.data(), 1, room.size(), output)) text.append(room.data(), got);
    return {text, WEXITSTATUS(::pclose(output))};
}

}  // namespace

TEST_CASE("a recorded master stays master, and the backup that nobody heard begins below it") {
    Lan recorded = settled();
    const Beginning beginning = begin(file_of(recorded.hosts()[0]));
    CHECK(joined(beginning.left_out) ==
          "left out of VI_1: virtual_routes\nno other router was heard: r1 is one with lower priorities");

    Lan lan{beginning, 5};
    std::vector<std::string> lines;
    lan.trace([&](const std::string& line) { lines.push_back(line); }, false);
    REQUIRE(lan.hosts().size() == 2);
    CHECK(lan.plan().addresses[0][0].to_string() == "10.0.0.1");
    CHECK(lan.plan().configs[0].instances[0].priority == 200);
    CHECK(lan.plan().configs[1].instances[0].priority == 190);
    CHECK(lan.describe().find("priority 200 every 1000 ms, begins as MASTER\n") != std::string::npos);
    CHECK(lan.describe().find("priority 190 every 1000 ms, begins as BACKUP\n") != std::string::npos);
    lan.start_all();
    lan.pass(20s);
    CHECK_FALSE(lan.violation());
    CHECK(lines == std::vector<std::string>{"    0.000000  r0  starts, going on from the state block",
                                            "    0.000000  r1  starts, going on from the state block"});
    CHECK(lan.master_of(0) == 0);
    CHECK(lan.master_of(1) == 0);
}

TEST_CASE("a recorded backup stays backup, of the master that it heard, with its address and priority") {
    Lan recorded = settled();
    const Beginning beginning = begin(file_of(recorded.hosts()[1]));
    CHECK(joined(beginning.left_out) == "left out of VI_1: virtual_routes");

    Lan lan{beginning, 5};
    REQUIRE(lan.hosts().size() == 2);
    CHECK(lan.plan().addresses[0][0].to_string() == "10.0.0.2");
    CHECK(lan.plan().addresses[1][0].to_string() == "10.0.0.1");
    CHECK(lan.plan().configs[0].instances[0].priority == 190);
    CHECK(lan.plan().configs[1].instances[0].priority == 200);
    CHECK(lan.hosts()[0].states == std::vector<State>{State::Backup, State::Backup});
    CHECK(lan.hosts()[1].states == std::vector<State>{State::Master, State::Master});
    lan.start_all();
    lan.pass(20s);
    CHECK_FALSE(lan.violation());
    CHECK(lan.statistics().transitions == 0);
    CHECK(lan.master_of(0) == 1);
    // It takes over when that master ends, as the recorded director would.
    lan.crash(1);
    lan.pass(5s);
    CHECK(lan.master_of(0) == 0);
}

TEST_CASE("a fault by a link that is down goes on, and so does maintenance") {
    Lan recorded = settled();
    recorded.maintain(1, true);
    recorded.set_link(2, 0, false);
    recorded.pass(3s);

    const Beginning down = begin(file_of(recorded.hosts()[2]));
    Lan lan{down, 5};
    lan.start_all();
    CHECK(lan.hosts()[0].states == std::vector<State>{State::Fault, State::Fault});
    CHECK_FALSE(lan.hosts()[0].link().up);

    const Beginning maintained = begin(file_of(recorded.hosts()[1]));
    Lan other{maintained, 5};
    other.start_all();
    CHECK(other.hosts()[0].maintenance);
    CHECK_FALSE(other.violation());
}

TEST_CASE("whatever moment a record ends at, its state goes on and no invariant breaks") {
    std::size_t masters = 0, backups = 0, stopped = 0, peers = 0;
    std::uint64_t transitions = 0;
    for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
        Lan recorded{seed, {}};
        recorded.record(kMemory);
        recorded.start_all();
        recorded.trouble(Nanos{recorded.plan().interval} * 60);
        REQUIRE_FALSE(recorded.violation());
        for (const Host& host : recorded.hosts()) {
            CAPTURE(seed);
            CAPTURE(host.index);
            const Beginning beginning = begin(file_of(host));
            if (beginning.states[0].instances.empty()) {
                ++stopped;
            } else if (host.router) {
                CHECK(states_of(beginning.states[0]) == host.states);
                CHECK(beginning.states[0].instances.front().deadline ==
                      host.router->snapshot().instances.front().deadline);
            }
            Lan lan{beginning, seed + 1000};
            masters += static_cast<std::size_t>(std::ranges::count(lan.hosts()[0].states, State::Master));
            backups += static_cast<std::size_t>(std::ranges::count(lan.hosts()[0].states, State::Backup));
            peers += lan.hosts().size() - 1;
            lan.run(Nanos{lan.plan().interval} * 60);
            CHECK_MESSAGE(!lan.violation(), lan.violation().value_or(""));
            transitions += lan.statistics().transitions;
        }
    }
    CHECK(masters > kHistories / 4);
    CHECK(backups > kHistories / 4);
    CHECK(stopped > 0);
    CHECK(peers > kHistories * 2);
    CHECK(transitions > kHistories * 20);
}

TEST_CASE("the same record and seed are the same history, another seed is another") {
    Lan recorded = settled();
    const Beginning beginning = begin(file_of(recorded.hosts()[1]));
    const auto first = traced(beginning, 7);
    CHECK(first.size() > 100);
    CHECK(traced(begin(file_of(recorded.hosts()[1])), 7) == first);
    CHECK(traced(beginning, 8) != first);
}

TEST_CASE("a fault that is planted in directors that go on is found") {
    Lan recorded = settled();
    const Beginning beginning = begin(file_of(recorded.hosts()[1]));
    std::size_t found = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Lan lan{beginning, seed, Sabotage::KeepsAddresses};
        lan.run(200s);
        found += lan.violation() ? 1 : 0;
    }
    CHECK(found == 5);
}

TEST_CASE("what the LAN cannot show is named") {
    config::Config config;
    config.global.more.edit().values = {{"vrrp_skip_alive", true}};
    for (const char* name : {"chk_a", "chk_b"}) {
        config::TrackScript script;
        script.name = name;
        config.scripts.push_back(script);
    }
    for (std::size_t n = 0; n < 5; ++n) {
        config::Instance c;
        c.name = fmt::format("VI_{}", n + 1);
        c.interface = n == 1 ? "ens4" : "ens3";
        c.virtual_router_id = n == 2 ? 51 : static_cast<std::uint8_t>(51 + n);
        c.addresses.push_back({.prefix = {IpAddress::v4(0x0a01'0001 + static_cast<std::uint32_t>(n)), 24}});
        config.instances.push_back(c);
    }
    auto& first = config.instances[0];
    first.vmac.edit().enabled = true;
    first.routes.edit().resize(1);
    first.track_scripts = {{"chk_a", 5, false}, {"chk_b", 0, false}};
    first.track_interfaces = {{"ens4", 10, false}, {"ppp0", 0, false}, {"ppp1", 0, false}};
    first.addresses[0].dev = "ens9";
    first.more.edit().sections.push_back({.keyword = "virtual_rules", .names = {}, .values = {}, .sections = {}});
    config.instances[3].addresses = first.addresses;
    config.instances[4].unicast_peers = {{.address = IpAddress::v4(0x0a00'0002), .min_ttl = 250, .max_ttl = 255}};
    config.instances[4].sync_group = config.instances[1].sync_group = "G";
    config.instances[4].priority = 120;
    config.instances[4].track_scripts = {{"chk_a", 5, false}};
    config::SyncGroup group;
    group.name = "G";
    group.members = {"VI_2", "VI_5"};
    group.track_scripts = {{"chk_b", 0, false}};
    config.sync_groups = {group};

    std::vector<std::string> left_out;
    const auto shown = represented(config, left_out);

    CHECK(left_out ==
          std::vector<std::string>{
              "left out of the global settings: vrrp_skip_alive",
              "one interface, eth0 here: ens3, ens4",
              "one tracked interface, eth1 here: ppp0, ppp1",
              "left out of vrrp_script chk_b: all of it (one script is simulated)",
              "left out of VI_1: dev of addresses, virtual_rules, use_vmac, virtual_routes, track_interface ppp1",
              "left out of VI_3: all of it (another instance on the one interface has its VRID)",
              "left out of VI_4: all of it (it has no address of its own)",
              "left out of VI_5: min_ttl, the weight of chk_a",
              "left out of sync group G: track_script, priorities that differ",
          });
    REQUIRE(shown.instances.size() == 3);
    CHECK(shown.instances[0].track_interfaces ==
          std::vector<config::TrackedInterface>{{"eth0", 10, false}, {"eth1", 0, false}});
    CHECK(shown.instances[0].track_scripts == std::vector<config::TrackedScript>{{"chk_a", 5, false}});
    CHECK(shown.instances[1].interface == "eth0");
    CHECK(shown.instances[2].priority == 100);
    CHECK(shown.sync_groups[0].members == std::vector<std::string>{"VI_2", "VI_5"});
}

namespace {

// A backup with two instances in a sync group, on two interfaces, that follows one router on both.
Recorded on_two_interfaces() {
    Recorded recorded;
    recorded.now = Instant{100s};
    for (std::size_t n = 0; n < 2; ++n) {
        config::Instance c;
        c.name = n == 0 ? "VI_out" : "VI_in";
        c.interface = kInterface;
        c.virtual_router_id = static_cast<std::uint8_t>(51 + n);
        c.addresses.push_back({.prefix = {IpAddress::v4(0x0a01'0001 + static_cast<std::uint32_t>(n)), 32}});
        c.sync_group = "G";
        c.track_interfaces = {{kUplink, 0, false}};
        recorded.config.instances.push_back(c);
        const auto net = 0xc0a8'0400 + static_cast<std::uint32_t>(n << 8);
        recorded.interfaces.push_back(n == 0 ? "ens3" : "ens4");
        recorded.own.push_back({IpAddress::v4(net + 11), IpAddress{}});
        const IpAddress master = IpAddress::v4(net + 10);
        recorded.heard[{c.virtual_router_id, Family::V4, master}] = {150, 1s, Instant{99s + 700ms},
                                                                     recorded.interfaces[n]};
        vrrp::InstanceSnapshot state;
        state.name = c.name;
        state.state = State::Backup;
        state.master = master;
        state.master_priority = 150;
        recorded.snapshot.instances.push_back(state);
    }
    config::SyncGroup group;
    group.name = "G";
    group.members = {"VI_out", "VI_in"};
    recorded.config.sync_groups.push_back(group);
    return recorded;
}

}  // namespace

TEST_CASE("a router that only an instance hears which is left out is no director") {
    auto config = record::test::director(2);
    config.instances[1].virtual_router_id = 51;
    config.instances[1].interface = "eth1";
    record::test::Bench bench{1U << 20, config};
    bench.recorder = record::Recorder{std::as_writable_bytes(std::span{bench.memory}), kRecordVersion,
                                      [] { return WallTime{1'700'000'000'000'000}; }};
    bench.give(vrrp::InterfaceFact{.name = "eth1", .index = 3, .up = true, .addresses = {IpAddress::v4(0x0a01'0001)}});
    bench.start();
    const auto advert = record::test::advert(51, 200);
    auto there = record::test::heard(advert);
    there.interface = "eth1";
    there.source = IpAddress::v4(0x0a01'0002);
    bench.give(record::test::heard(advert));
    bench.give(there);

    const Beginning beginning = begin(bench.file().value());
    CHECK(joined(beginning.left_out) ==
          "one interface, eth0 here: eth0, eth1\n"
          "left out of VI_2: all of it (another instance on the one interface has its VRID)");
    REQUIRE(beginning.plan.addresses.size() == 2);
    CHECK(beginning.plan.addresses[0][0].to_string() == "10.0.0.1");
    CHECK(beginning.plan.addresses[1][0].to_string() == "10.0.0.2");
    CHECK(states_of(beginning.states[1]) == std::vector<State>{State::Master});
}

TEST_CASE("the n-th routers on two interfaces are one, which is master of both instances") {
    Beginning beginning;
    add_directors(on_two_interfaces(), beginning);
    CHECK(joined(beginning.left_out) ==
          "r0 has one address of each family: 192.168.4.11 stands for 2 of them\n"
          "r1 has one address of each family: 192.168.4.10 stands for 192.168.5.10 too");
    REQUIRE(beginning.states.size() == 2);
    CHECK(states_of(beginning.states[1]) == std::vector<State>{State::Master, State::Master});
    CHECK(beginning.states[1].instances[0].deadline == Instant{100s + 700ms});  // an interval after its last advert
    CHECK(beginning.plan.configs[1].instances[0].priority == 150);
    CHECK(beginning.plan.addresses[1][0].to_string() == "192.168.4.10");
}

TEST_CASE("a router that was heard with what its trackers add has that much less as its own priority") {
    Recorded recorded = on_two_interfaces();
    recorded.config.sync_groups.clear();
    for (auto& c : recorded.config.instances) c.sync_group.clear();
    recorded.config.instances[0].track_interfaces = {{kUplink, 20, false}};
    recorded.config.instances[1].track_interfaces = {{kUplink, -20, false}};
    Beginning beginning;
    add_directors(recorded, beginning);
    CHECK(beginning.plan.configs[1].instances[0].priority == 130);
    CHECK(beginning.plan.configs[1].instances[1].priority == 150);
}

TEST_CASE("equal priorities of a sync group are separated where the two families prefer different routers") {
    Recorded recorded = on_two_interfaces();
    auto& second = recorded.config.instances[1];
    second.family = Family::V6;
    recorded.own[1] = {IpAddress{}, IpAddress::parse("fe80::1").value()};
    recorded.own[0] = {IpAddress::parse("192.168.4.9").value(), IpAddress{}};
    recorded.heard.erase({52, Family::V4, recorded.snapshot.instances[1].master});
    recorded.snapshot.instances[1].master = IpAddress::parse("fe80::a").value();
    recorded.heard.begin()->second.priority = 100;
    recorded.snapshot.instances[1].master_priority = 100;
    Beginning alike;
    add_directors(recorded, alike);
    CHECK(joined(alike.left_out).empty());
    CHECK(alike.plan.configs[1].instances[0].priority == 100);

    recorded.own[0] = {IpAddress::parse("192.168.4.11").value(), IpAddress{}};
    Beginning crossed;
    add_directors(recorded, crossed);
    CHECK(joined(crossed.left_out) ==
          "r1 has priority 99 in sync group G: 100 is another one's, and their IPv4 and IPv6 "
          "addresses prefer different routers");
    CHECK(crossed.plan.configs[1].instances[1].priority == 99);
}

TEST_CASE("what is no record of a router is refused") {
    Lan recorded = settled();
    const auto whole = file_of(recorded.hosts()[0]);
    auto damaged = whole;
    damaged[damaged.size() - 20] ^= std::byte{1};
    auto other_version = whole;
    other_version[16] = std::byte{'0'};
    auto of_servers = whole;
    REQUIRE(of_servers[kWhoseByte] == std::byte{0});
    of_servers[kWhoseByte] = std::byte{1};
    CHECK(refusal({}) == "this is not a flight record: it is too short");
    CHECK(refusal({whole.begin(), whole.end() - 1}) == "the record is damaged: it ends early");
    CHECK(refusal(damaged) == "the record is damaged: its checksum is wrong");
    CHECK(
        refusal(other_version) ==
        fmt::format("the record is from version 0imulated; this is version {}, and only the same version can replay it",
                    record::program_version()));
    CHECK(refusal(of_servers) == "the record has no VRRP part");
}

TEST_CASE("the program begins with a record, says how it begins, and refuses with status 2") {
    Lan recorded = settled();
    const auto whole = file_of(recorded.hosts()[1]);
    const auto path = written("beginning-", whole), damaged = written("damaged-", {whole.begin(), whole.end() - 1});
    const auto [text, status] = simulate(fmt::format("--record {} --seed 3", path.string()));
    CHECK(status == 0);
    CHECK(text.starts_with("left out of VI_1: virtual_routes\n2 directors\nr0  clock "));
    CHECK(text.find("priority 190 every 1000 ms, begins as BACKUP\n") != std::string::npos);
    CHECK(text.find("none broken") != std::string::npos);
    const auto planted = simulate(fmt::format("--record {} --seed 3 --quiet --plant mute", path.string()));
    CHECK(planted.second == 1);
    CHECK(planted.first.find(fmt::format("replay: tools/simulate --seed 3 --record {} --plant mute\n",
                                         path.string())) != std::string::npos);
    CHECK(simulate("--record " + damaged.string()) ==
          std::pair{fmt::format("simulate: {}: the record is damaged: it ends early\n", damaged.string()), 2});
    CHECK(simulate("--record /nowhere") == std::pair{std::string{"simulate: /nowhere: it cannot be read\n"}, 2});
    CHECK(simulate(fmt::format("--record {} --routers 3", path.string())).second == 2);
    std::filesystem::remove(path);
    std::filesystem::remove(damaged);
}
