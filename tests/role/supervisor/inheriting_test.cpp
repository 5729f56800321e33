// What a process has from the supervisor at its start: descriptors, limits and lines to the other roles; and what its
// end is called.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "../../needs.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/process.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

Written all_roles() { return {.needed = {Kind::Vrrp, Kind::Lvs, Kind::Bfd, Kind::Snmp}}; }

// "mainstayd-vrrp-state rw" for the memory behind a descriptor, "event" for an eventfd, "none".
std::string descriptor_of(const Played& role, int number) {
    const std::string process = "/proc/" + std::to_string(role.pid), at = std::to_string(number);
    std::array<char, 256> target{};
    const auto size = ::readlink((process + "/fd/" + at).c_str(), target.data(), target.size());
    std::string name{target.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
    if (name.empty() || name.starts_with("socket:")) return "none";  // the stage's own line is a socket
    if (name.starts_with("anon_inode:")) return name == "anon_inode:[eventfd]" ? "event" : name;
    const std::string memory = "/memfd:mainstay-", deleted = " (deleted)";
    if (name.starts_with(memory)) name = name.substr(memory.size());
    if (name.ends_with(deleted)) name.resize(name.size() - deleted.size());
    std::ifstream info{process + "/fdinfo/" + at};
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("flags:"))
            name += (std::stoi(line.substr(6), nullptr, 8) & O_ACCMODE) == O_RDWR ? " rw" : " ro";
    return name;
}

// Of those with fixed numbers, 4 to 13.
std::string descriptors_of(const Played& role) {
    std::string all;
    for (int number = 4; number <= 13; ++number) all += descriptor_of(role, number) + "\n";
    return all;
}

// The soft limit of that row of /proc/PID/limits.
std::string limit_of(int pid, const std::string& row) {
    std::ifstream limits{"/proc/" + std::to_string(pid) + "/limits"};
    for (std::string line; std::getline(limits, line);)
        if (line.starts_with(row)) {
            std::istringstream rest{line.substr(row.size())};
            std::string soft;
            rest >> soft;
            return soft;
        }
    return "none";
}
std::string limit_of(const Played& role, const std::string& row) { return limit_of(role.pid, row); }

struct Line {
    ipc::PeerChannel::To to{};
    UniqueFd end;
};

Line next_line(Played& role) {
    auto got = role.hear_with_descriptor<ipc::PeerChannel>();
    return {std::get<ipc::PeerChannel>(got.message).to, std::move(got.descriptor)};
}

// Whether what is sent into one end comes out of the other.
bool are_connected(const UniqueFd& from, const UniqueFd& to) {
    if (!ipc::send_message(from.get(), ipc::BfdStates{{{"B1", true}}})) return false;
    const auto got = next_received(to.get(), 20s);
    return got && std::get<ipc::BfdStates>(got->message).sessions.at(0).name == "B1";
}

}  // namespace

TEST_CASE("a role has its own memory to write, and one that watches has that of the others to read" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written = all_roles();
    written.done.daemon.recorder_mib = 1;
    auto running = stage.run(written);
    CHECK(descriptors_of(running[Kind::Vrrp]) ==
          "mainstayd-vrrp-state rw\nmainstayd-vrrp-events rw\nevent\n"
          "none\nnone\nnone\nnone\nnone\nnone\nmainstayd-vrrp-record rw\n");
    CHECK(descriptors_of(running[Kind::Lvs]) ==
          "mainstayd-lvs-state rw\nmainstayd-lvs-events rw\nevent\n"
          "none\nnone\nnone\nnone\nnone\nnone\nmainstayd-lvs-record rw\n");
    CHECK(descriptors_of(running[Kind::Bfd]) ==
          "mainstayd-bfd-state rw\nmainstayd-bfd-events rw\nevent\n"
          "none\nnone\nnone\nnone\nnone\nnone\nnone\n");
    const std::string others =
        "event\nmainstayd-vrrp-state ro\nmainstayd-vrrp-events ro\nmainstayd-lvs-state ro\nmainstayd-lvs-events ro\n"
        "mainstayd-bfd-state ro\nnone\nnone\n";
    CHECK(descriptors_of(*running.observer) == "mainstayd-obs-state rw\nmainstayd-obs-events rw\n" + others);
    CHECK(descriptors_of(stage.started("mainstayd-snmp")) ==
          "mainstayd-snmp-state rw\nmainstayd-snmp-events rw\n" + others);
}

TEST_CASE("each process has limits of its own" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written = all_roles();
    written.host.watch.server_files = {config::ServerFileSource{.path = "/servers"}};
    auto running = stage.run(written);
    // No more than the test itself may have, from which they inherit.
    const auto has = [](const Played& role, int resource, const std::string& row, std::uint64_t wanted) {
        rlimit own{};
        REQUIRE(::getrlimit(static_cast<__rlimit_resource>(resource), &own) == 0);
        CHECK(limit_of(role, row) == std::to_string(std::min<std::uint64_t>(wanted, own.rlim_max)));
    };
    const auto files = [&](const Played& role, std::uint64_t wanted) {
        has(role, RLIMIT_NOFILE, "Max open files", wanted);
    };
    const auto memory = [&](const Played& role, std::uint64_t wanted) {
        has(role, RLIMIT_AS, "Max address space", wanted);
    };
    files(*running.reader, 256);
    memory(*running.reader, 8'589'934'592);
    auto& watcher = stage.started("mainstayd-track");
    files(watcher, 4096);
    memory(watcher, 2'147'483'648);
    files(running[Kind::Lvs], 8192);
    files(*running.observer, 1024);
    has(*running.observer, RLIMIT_FSIZE, "Max file size", 1'073'741'824);
    files(stage.started("mainstayd-snmp"), 256);
}

TEST_CASE("a process has memory for its own part of the configuration, one that watches for all of it" *
          mainstay::test::kNeedsRoot) {
    const auto bytes = [](const config::Config& part) {
        auto memory = ipc::encode_sealed("part", part);
        REQUIRE(memory);
        return ipc::sealed_size(memory->get()).value();
    };
    constexpr std::uint64_t kGigabyte = 1ULL << 30;
    // Where limits cannot be raised later, there is room for a larger configuration from the start.
    const bool may_raise = kernel::may_raise_limits();
    const std::uint64_t least = may_raise ? 0 : 4ULL << 20;
    // No more than the test itself may have, as above.
    rlimit own{};
    REQUIRE(::getrlimit(RLIMIT_AS, &own) == 0);
    const auto has = [&](const Played& role, std::uint64_t gigabytes, std::uint64_t configuration) {
        const auto wanted = gigabytes * kGigabyte + 512 * std::max(configuration, least);
        CHECK(limit_of(role, "Max address space") == std::to_string(std::min<std::uint64_t>(wanted, own.rlim_max)));
    };
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    auto& services = written.parts[Kind::Lvs];
    while (bytes(services) < 6ULL << 20) services.virtual_servers.resize(services.virtual_servers.size() + 10'000);
    const auto none = bytes({}), some = bytes(services);
    auto running = stage.run(written);
    has(running[Kind::Vrrp], 1, none);
    has(running[Kind::Lvs], 2, some);
    has(*running.observer, 4, some + 4 * none);

    const std::string of_supervisor = limit_of(stage.pid(), "Max address space");
    services.virtual_servers.resize(2 * services.virtual_servers.size());
    const auto more = may_raise ? bytes(services) : some;
    stage.reload(running, written);
    for (Played* role : {&running[Kind::Lvs], &running[Kind::Vrrp], running.observer}) role->hear<ipc::Prepare>();
    has(running[Kind::Vrrp], 1, none);
    has(running[Kind::Lvs], 2, more);
    has(*running.observer, 4, more + 4 * none);
    CHECK(limit_of(stage.pid(), "Max address space") == of_supervisor);  // two roles do not run
}

TEST_CASE("roles that talk to each other have lines, and those of one that died are laid anew" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    using To = ipc::PeerChannel::To;
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, {.needed = {Kind::Vrrp, Kind::Lvs, Kind::Bfd}});
    auto &bfd = stage.started("mainstayd-bfd"), &vrrp = stage.started("mainstayd-vrrp"),
         &lvs = stage.started("mainstayd-lvs");
    bfd.hear<ipc::Prepare>();
    const auto bfd_to_vrrp = next_line(bfd), bfd_to_lvs = next_line(bfd);
    const auto vrrp_to_bfd = next_line(vrrp);
    vrrp.hear<ipc::Prepare>();
    const auto vrrp_to_lvs = next_line(vrrp);
    const auto lvs_to_bfd = next_line(lvs), lvs_to_vrrp = next_line(lvs);
    lvs.hear<ipc::Prepare>();
    CHECK(bfd_to_vrrp.to == To::Vrrp);
    CHECK(bfd_to_lvs.to == To::Lvs);
    CHECK(vrrp_to_bfd.to == To::Bfd);
    CHECK(vrrp_to_lvs.to == To::Lvs);
    CHECK(lvs_to_bfd.to == To::Bfd);
    CHECK(lvs_to_vrrp.to == To::Vrrp);
    CHECK(are_connected(bfd_to_vrrp.end, vrrp_to_bfd.end));
    CHECK(are_connected(bfd_to_lvs.end, lvs_to_bfd.end));
    CHECK(are_connected(vrrp_to_lvs.end, lvs_to_vrrp.end));
    for (Played* role : {&bfd, &vrrp, &lvs}) {
        role->send(ipc::Prepared{1, {}});
        role->hear<ipc::Commit>();
        role->send(ipc::Committed{1});
    }

    lvs.exit(1);
    auto& again = stage.started("mainstayd-lvs");
    const auto of_bfd = next_line(again), of_vrrp = next_line(again);
    const auto to_lvs_of_bfd = next_line(bfd), to_lvs_of_vrrp = next_line(vrrp);
    CHECK(of_bfd.to == To::Bfd);
    CHECK(of_vrrp.to == To::Vrrp);
    CHECK(to_lvs_of_bfd.to == To::Lvs);
    CHECK(to_lvs_of_vrrp.to == To::Lvs);
    CHECK(are_connected(to_lvs_of_bfd.end, of_bfd.end));
    CHECK(are_connected(to_lvs_of_vrrp.end, of_vrrp.end));
    CHECK(bfd.hears_none<ipc::PeerChannel>());
    CHECK(vrrp.hears_none<ipc::PeerChannel>());
}

TEST_CASE("the end of a process is called by its cause, and each further one has to wait twice as long" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Lvs}});
    const auto next = [&](int signal, const std::string& cause, Played& role) -> Played& {
        REQUIRE(::kill(role.pid, signal) == 0);
        role.until_gone();
        stage.until_logged("Healthcheck child process(" + std::to_string(role.pid) + ") died: Respawning (" + cause +
                           ")");
        auto& again = stage.started("mainstayd-lvs");
        CHECK(again.hear<ipc::RoleStartup>().restarted);
        stage.take_configuration(again, 1);
        return again;
    };
    auto& second =
        next(SIGSYS, "signal 31: it made a system call that its seccomp filter forbids, at once", running[Kind::Lvs]);
    auto& third = next(SIGKILL, "signal 9, in 1 s", second);
    static_cast<void>(next(SIGSEGV, "signal 11, in 2 s", third));
    CHECK(stage.logged("in 4 s") == 0);
}

TEST_CASE("the observer hears of every process that the configuration needs, by its name" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(all_roles());
    auto& snmp = stage.started("mainstayd-snmp");
    stage.take_configuration(snmp, 1);
    using Rows = std::vector<report::ProcessStatus>;
    const auto hears = [&](const Rows& rows) {
        while (true) {
            auto now = running.observer->hear<ipc::SupervisionReport>().now.processes;
            for (auto& one : now) {
                CHECK((one.last_end.unix_us > 0) == (one.ends > 0));
                one.last_end = {};
            }
            if (now == rows) return;
        }
    };
    hears({{"vrrp", true, 0}, {"lvs", true, 0}, {"observer", true, 0}, {"bfd", true, 0}, {"snmp", true, 0}});
    snmp.exit(1);
    hears({{"vrrp", true, 0}, {"lvs", true, 0}, {"observer", true, 0}, {"bfd", true, 0}, {"snmp", false, 1}});
    running[Kind::Bfd].exit(1);
    hears({{"vrrp", true, 0}, {"lvs", true, 0}, {"observer", true, 0}, {"bfd", false, 1}, {"snmp", false, 1}});
}

TEST_CASE("SNMP that ends during a reload neither refuses nor delays it" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Vrrp, Kind::Snmp}});
    auto& snmp = stage.started("mainstayd-snmp");
    stage.take_configuration(snmp, 1);
    stage.reload(running, {.needed = {Kind::Vrrp, Kind::Snmp}});
    for (Played* role : {&running[Kind::Vrrp], running.observer}) {
        CHECK(role->hear<ipc::Prepare>().generation == 2);
        role->send(ipc::Prepared{2, {}});
    }
    CHECK(snmp.hear<ipc::Prepare>().generation == 2);
    CHECK(running[Kind::Vrrp].hears_none<ipc::Commit>());
    snmp.exit(1);
    CHECK(running[Kind::Vrrp].hear<ipc::Commit>().generation == 2);
    stage.until_logged("Reload complete");
    CHECK(stage.logged("reload refused") == 0);
}
