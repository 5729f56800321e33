// What the options and the first configuration decide of a daemon: its folders, its names, what its processes are told.
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../needs.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "mainstay/role/common/identity.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
namespace fs = std::filesystem;

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

std::string name_of_process(int pid) { return first_line("/proc/" + std::to_string(pid) + "/comm"); }

bool may_have_own_run_folder() {
    const int child = ::fork();
    if (child == 0) ::_exit(take_own_run_folder() ? 0 : 1);
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

unsigned mode_of(const std::string& path) { return static_cast<unsigned>(fs::status(path).permissions()) & 0777; }

constexpr mainstay::test::Needs kNeedsOwnRunFolder{"needs a /run of its own", may_have_own_run_folder};

}  // namespace

TEST_CASE("a daemon with an instance name has folders of its own, and the name in its idents" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.daemon.instance = "blue";
    written.done.daemon.process_name = "blue-daemon";
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    auto& vrrp = stage.started("mainstayd-vrrp");
    const auto startup = vrrp.hear<ipc::RoleStartup>();
    CHECK(startup.log_ident == "mainstayd-vrrp_blue");
    CHECK(startup.process_name == "mainstayd-vrrp");
    CHECK(startup.control_socket == stage.at("run/blue/control.sock"));
    CHECK(startup.spool_directory == stage.at("spool/blue"));
    CHECK(stage.text("run/blue/mainstayd.pid") == std::to_string(stage.pid()) + "\n");
    stage.until([&] { return stage.text("run/blue/vrrp.pid") == std::to_string(vrrp.pid) + "\n"; }, "the pid file");
    CHECK_FALSE(fs::exists(stage.at("run/mainstayd.pid")));
    CHECK(mode_of(stage.at("run/blue")) == 0755);
    CHECK(mode_of(stage.at("spool/blue")) == 0750);
    CHECK(mode_of(stage.at("run/blue/supervisor.sock")) == 0600);
    CHECK(stage.logged("the ident is mainstayd_blue\n") == 1);
    CHECK(name_of_process(stage.pid()) == "blue-daemon");
}

TEST_CASE("a daemon with a pid file of its own has folders of its own, which go with it when they are empty" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"pid-file"}};
    auto running = stage.run();
    const std::string name = name_of_pid_file(stage.at("router.pid"));
    CHECK(stage.text("router.pid") == std::to_string(stage.pid()) + "\n");
    CHECK(mode_of(stage.at("run/" + name + "/supervisor.sock")) == 0600);
    CHECK(fs::exists(stage.at("spool/" + name)));
    CHECK_FALSE(fs::exists(stage.at("run/supervisor.sock")));
    CHECK(stage.logged("the ident is") == 0);
    CHECK(stage.stop(running) == 0);
    CHECK_FALSE(fs::exists(stage.at("router.pid")));
    CHECK(fs::is_empty(stage.at("run")));
    CHECK(fs::is_empty(stage.at("spool")));
}

TEST_CASE("a pid file that was removed and written by the next daemon stays when the first one ends" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"pid-file", "named"}};
    auto running = stage.run();
    for (const char* file : {"router.pid", "own.pid"}) {
        fs::remove(stage.at(file));
        std::ofstream{stage.at(file)} << "4194303\n";
    }
    CHECK(stage.stop(running) == 0);
    CHECK(stage.text("router.pid") == "4194303\n");
    CHECK(stage.text("own.pid") == "4194303\n");
}

TEST_CASE("a daemon waits for one that ends in its folder, and does not take its socket" * mainstay::test::kNeedsRoot) {
    Stage stage;
    fs::create_directory(stage.at("run"));
    const std::string path = stage.at("run/supervisor.sock");
    UniqueFd ending{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const auto at = kernel::unix_address(path);
    REQUIRE(at);
    REQUIRE(::bind(ending.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0);
    REQUIRE(::listen(ending.get(), 8) == 0);
    // The peer is the process that began to listen, and this one is another than the daemon.
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, {});
    CHECK(stage.starts_none("mainstayd-vrrp"));
    CHECK(kernel::connect_unix(path, SOCK_SEQPACKET).has_value());
    ending.reset();
    stage.started("mainstayd-vrrp");
    CHECK(stage.logged("already running") == 0);
}

TEST_CASE("a daemon that is run as keepalived has keepalived's names, and its pid files in a folder if it is told to" *
          mainstay::test::kNeedsRoot * kNeedsOwnRunFolder) {
    Stage stage{{kAsKeepalived}};
    Written written;
    written.done.daemon.use_pid_dir = true;
    written.host.watch.files.push_back({.name = "a"});
    auto running = stage.run(written);
    const std::string run = "/proc/" + std::to_string(stage.pid()) + "/root/run";
    CHECK(mode_of(run + "/keepalived") == 0755);
    CHECK(first_line(run + "/keepalived/keepalived.pid") == std::to_string(stage.pid()));
    CHECK(first_line(run + "/keepalived/vrrp.pid") == std::to_string(running[Kind::Vrrp].pid));
    CHECK(name_of_process(stage.pid()) == "keepalived");
    const auto watcher = stage.started("mainstayd-track").hear<ipc::RoleStartup>();
    CHECK(watcher.process_name == "keepalived");
    CHECK(watcher.log_ident == "Keepalived_vrrp");
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a daemon without an instance name changes no ident, and without process_name is called mainstayd" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    CHECK(stage.logged("the ident is") == 0);
    CHECK(name_of_process(stage.pid()) == "mainstayd");
    Written renamed;
    renamed.done.daemon.process_name = "director";
    stage.reload(running, renamed);
    for (Played* role : {&running[Kind::Vrrp], running.observer}) {
        role->hear<ipc::Prepare>();
        role->send(ipc::Prepared{2, {}});
    }
    stage.until_logged("Reload complete");
    CHECK(name_of_process(stage.pid()) == "director");
}

TEST_CASE("what the command line says of logs, addresses and SNMP reaches the processes" * mainstay::test::kNeedsRoot) {
    Stage stage{{"not-usual"}};
    Written written{.needed = {Kind::Vrrp, Kind::Lvs, Kind::Bfd}};
    written.done.mail_keep_seconds = 77;
    written.done.notify_wait_seconds = 5;
    written.done.webhooks.webhooks = {{.name = "pager"}};
    auto& reader = stage.started("mainstayd-read");
    const auto check = [](const ipc::RoleStartup& got) {
        CHECK(got.config_id == "blue");
        CHECK(got.log_socket == "/nowhere/log");
        CHECK(got.log_facility == 17);
        CHECK(got.log_console);
        CHECK(got.log_journal);
        CHECK(got.log_json);
        CHECK(got.log_level == LogLevel::Debug);
        CHECK(got.log_levels.at(0) == LogLevel::Debug);
        CHECK(got.user == "root");
        CHECK(got.keep_addresses);
        CHECK(got.keep_ipvs);
        CHECK(got.strict);
        CHECK(got.all_include_checks);
        CHECK(got.snmp);
        CHECK(got.snmp_socket == "udp:127.0.0.1:1705");
    };
    const auto orders = reader.hear<ipc::RoleStartup>();
    check(orders);
    CHECK(orders.settings_path == stage.at("mainstay.toml"));
    CHECK(orders.process_name == "mainstayd");
    CHECK(orders.log_ident == "mainstayd");
    CHECK(orders.run_vrrp);
    CHECK_FALSE(orders.run_lvs);
    CHECK(orders.in_namespace.empty());
    CHECK_FALSE(orders.has_record);
    stage.send(reader, written);
    auto& vrrp = stage.started("mainstayd-vrrp");
    const auto to_vrrp = vrrp.hear<ipc::RoleStartup>();
    check(to_vrrp);
    CHECK(to_vrrp.mail_keep_seconds == 77);
    CHECK(to_vrrp.webhooks.webhooks.empty());  // whose headers are secret
    stage.take_configuration(vrrp, 1);
    auto& observer = stage.started("mainstayd-obs");
    CHECK(observer.hear<ipc::RoleStartup>().webhooks.webhooks.size() == 1);
    stage.take_configuration(observer, 1);
    CHECK(stage.starts_none("mainstayd-bfd"));
    CHECK(stage.starts_none("mainstayd-lvs"));

    stage.signal(SIGHUP);
    const auto again = reader.hear<ipc::RoleStartup>();
    CHECK(again.notify_wait_seconds == 5);
    CHECK(again.webhooks.webhooks.size() == 1);
    CHECK(again.mail_keep_seconds == 77);
}

TEST_CASE("addresses that are to stay are not removed while the next vrrp process has to wait" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"not-usual"}};
    auto running = stage.run();
    running[Kind::Vrrp].exit(1);
    stage.started("mainstayd-vrrp").exit(1);
    stage.until_logged("in 1 s)");
    CHECK(stage.starts_none("mainstayd-yield"));
    CHECK(stage.started("mainstayd-vrrp").hear<ipc::RoleStartup>().restarted);
    CHECK(stage.starts_none("mainstayd-yield"));
}

TEST_CASE("a configuration that wants another network namespace is read once more in that one, and then in no other" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto& first = stage.started("mainstayd-read");
    CHECK(first.hear<ipc::RoleStartup>().in_namespace.empty());
    first.send(ipc::ReadingDone{.summary = {}, .wants_namespace = "no-such-namespace"});
    first.exit(0);
    auto& second = stage.started("mainstayd-read");
    CHECK(second.hear<ipc::RoleStartup>().in_namespace == "no-such-namespace");
    CHECK(stage.logged("no-such-namespace") == 1);  // that it cannot be opened
    second.send(ipc::ReadingDone{.summary = {}, .wants_namespace = "another"});
    CHECK(stage.exit_code() == 2);
    CHECK(stage.logged("Cannot change network namespace at a reload - please restart mainstay") == 1);
}

TEST_CASE("a network namespace that does not exist ends the start" * mainstay::test::kNeedsRoot) {
    Stage roles, services;
    Written written;
    written.done.daemon.net_namespace = "no-such-namespace";
    auto& reader = roles.started("mainstayd-read");
    roles.send(reader, written);
    CHECK(roles.exit_code() == 1);
    CHECK(roles.logged("net_namespace: ") == 1);
    Written other;
    other.done.daemon.has_ipvs_namespace = true;
    other.done.daemon.ipvs_namespace = "no-such-namespace";
    auto& second = services.started("mainstayd-read");
    services.send(second, other);
    CHECK(services.exit_code() == 1);
    CHECK(services.logged("net_namespace_ipvs: ") == 1);
    CHECK_FALSE(fs::exists(services.at("run/mainstayd.pid")));
}

TEST_CASE("an IPVS namespace without a name, which is that of the daemon, is none of its own for lvs" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    written.done.daemon.has_ipvs_namespace = true;
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    CHECK_FALSE(stage.started("mainstayd-lvs").hear<ipc::RoleStartup>().has_ipvs_namespace);
    CHECK_FALSE(stage.started("mainstayd-vrrp").hear<ipc::RoleStartup>().has_ipvs_namespace);
}

TEST_CASE("a spool folder that cannot be made does not keep the daemon from its start" * mainstay::test::kNeedsRoot) {
    Stage stage;
    std::ofstream{stage.at("spool")} << "a file";
    auto running = stage.run();
    CHECK(stage.logged("the mail spool folder cannot be created: ") == 1);
    CHECK(stage.logged("; mails are kept in memory, next attempt in 10 s") == 1);
    CHECK(stage.stop(running) == 0);
}

// Neutron counts a router's daemon as dead while the file of its VRRP process is absent.
TEST_CASE("the pid file of a role is never absent where another process follows at once" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const UniqueFd watch{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    REQUIRE(::inotify_add_watch(watch.get(), stage.at("run").c_str(), IN_DELETE) >= 0);
    const auto removals = [&watch] {
        std::array<char, 4096> events;
        return ::read(watch.get(), events.data(), events.size()) > 0;
    };
    running[Kind::Vrrp].exit(1);
    auto& again = stage.started("mainstayd-vrrp");
    stage.take_configuration(again, 1);
    stage.until([&] { return stage.text("run/vrrp.pid") == std::to_string(again.pid) + "\n"; }, "the pid file");
    CHECK_FALSE(removals());
    again.exit(1);
    stage.until_logged("in 1 s)");
    stage.until([&] { return !fs::exists(stage.at("run/vrrp.pid")); }, "the file of a process that must wait to go");
    CHECK(removals());
    auto& third = stage.started("mainstayd-vrrp");
    stage.take_configuration(third, 1);
    running.roles[Kind::Vrrp] = &third;
    CHECK(stage.stop(running) == 0);
}
