// What the supervisor itself takes from a configuration.
#include "role/common/daemon_settings.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/load.hpp"
#include "options_of.hpp"
#include "role/common/process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using test::options_of;

namespace {

ipc::DaemonSettings settings(const std::string& text, const std::string& named = {}) {
    return daemon_settings(config::load_text("ha.conf", text, {}).config, named);
}
ipc::DaemonSettings of_global(const std::string& text) { return settings("global_defs {\n" + text + "\n}\n"); }

using RoleNumbers = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("a configuration without any of them has the settings of a struct that nobody filled") {
    CHECK(settings("") == ipc::DaemonSettings{});
}

TEST_CASE("each keyword of the file sets what the supervisor does") {
    CHECK(settings("net_namespace blue\n").net_namespace == "blue");
    CHECK(settings("net_namespace blue\n", "red").net_namespace == "red");
    const auto ipvs = settings("net_namespace_ipvs green\n");
    CHECK(ipvs.has_ipvs_namespace);
    CHECK(ipvs.ipvs_namespace == "green");
    CHECK(ipvs.net_namespace.empty());
    CHECK(settings("instance a\n").instance == "a");
    CHECK(settings("use_pid_dir\n").use_pid_dir);
    CHECK(settings("child_wait_time 7\n").child_wait_seconds == 7);
}

TEST_CASE("each keyword of global_defs sets what the supervisor does") {
    CHECK(of_global("process_name ha").process_name == "ha");
    CHECK(of_global("reload_check_config /var/log/x").reload_check_log == "/var/log/x");
    CHECK(of_global("reload_check_config /var/log/x").reload_check);
    CHECK(of_global("reload_time_file /etc/t").reload_time_file == "/etc/t");
    CHECK_FALSE(of_global("reload_time_file /etc/t").reload_repeat);
    CHECK(of_global("reload_repeat").reload_repeat);
    CHECK(of_global("reload_file /run/r").has_reload_file);
    CHECK(of_global("reload_file /run/r").reload_file == "/run/r");
    CHECK(of_global("reload_file").has_reload_file);
    CHECK(of_global("reload_file").reload_file.empty());
    CHECK(of_global("config_save_dir /var/save").config_save_dir == "/var/save");
    CHECK(of_global("tmp_config_directory /tmp/c").tmp_config_directory == "/tmp/c");
    CHECK(of_global("nftables").nftables_table == "keepalived");
    CHECK(of_global("nftables own").nftables_table == "own");
    CHECK(of_global("disable_local_igmp").disable_local_igmp);
    CHECK(of_global("state_dump_file /var/lib/d").state_dump_file == "/var/lib/d");
    CHECK(of_global("data_use_instance").data_use_instance);
}

TEST_CASE("a role keeps the right to set its class or priority, or to lock its memory, if it is to do so") {
    CHECK(of_global("vrrp_rt_priority 5").scheduling_roles == RoleNumbers{1});
    CHECK(of_global("checker_priority -5").scheduling_roles == RoleNumbers{2});
    CHECK(of_global("bfd_rt_priority 5\nvrrp_priority 1").scheduling_roles == RoleNumbers{1, 4});
    CHECK(of_global("max_auto_priority 9").scheduling_roles == RoleNumbers{1, 2, 4});
    CHECK(of_global("bfd_no_swap").locking_roles == RoleNumbers{4});
    CHECK(of_global("bfd_no_swap").scheduling_roles.empty());
    CHECK(of_global("vrrp_priority 1").locking_roles.empty());
}

TEST_CASE("the vrrp role has no spare where no peer notices how long another process takes to start") {
    const auto instances = [](int count, const std::string& interval) {
        std::string text;
        for (int number = 1; number <= count; ++number)
            text += "vrrp_instance VI_" + std::to_string(number) + " {\nversion 3\ninterface eth0\nvirtual_router_id " +
                    std::to_string(number) + "\nadvert_int " + (number == 1 ? interval : "1") + "\n}\n";
        return settings(text).without_spare;
    };
    CHECK(instances(1, "1"));
    CHECK(instances(64, "0.5"));
    CHECK_FALSE(instances(2, "0.49"));
    CHECK_FALSE(instances(65, "1"));
}

TEST_CASE("the umask of each word of bits") {
    CHECK(of_global("umask IRWXU").umask == 0700);
    CHECK(of_global("umask IRWXG|IRWXO").umask == 0077);
    CHECK(of_global("umask IRUSR|IWUSR|IXUSR").umask == 0700);
    CHECK(of_global("umask IRGRP").umask == 0040);
    CHECK(of_global("umask IXGRP|IWOTH").umask == 0012);
    CHECK(of_global("umask IROTH").umask == 0004);
}

TEST_CASE("the settings that only a restart changes are named, each for itself") {
    using Settings = ipc::DaemonSettings;
    const auto change = [](void (*edit)(Settings&)) {
        Settings after;
        edit(after);
        CHECK(changed_at_reload(after, {}) == changed_at_reload({}, after));
        return changed_at_reload({}, after).value_or("nothing");
    };
    CHECK(change([](Settings&) {}) == "nothing");
    CHECK(change([](Settings& s) { s.net_namespace = "x"; }) == "network namespace");
    CHECK(change([](Settings& s) { s.has_ipvs_namespace = true; }) == "IPVS network namespace");
    CHECK(change([](Settings& s) { s.ipvs_namespace = "x"; }) == "IPVS network namespace");
    CHECK(change([](Settings& s) { s.instance = "x"; }) == "instance name");
    CHECK(change([](Settings& s) { s.nftables_table = "x"; }) == "nftables table name");
    CHECK(change([](Settings& s) { s.tmp_config_directory = "x"; }) == "tmp_config_directory");
    CHECK(change([](Settings& s) { s.disable_local_igmp = true; }) == "disable_local_igmp");
    CHECK(change([](Settings& s) { s.process_name = "x", s.umask = 7, s.reload_file = "x"; }) == "nothing");
}

TEST_CASE("folders and suffixes of a daemon with a namespace only, and with an instance name only") {
    ipc::DaemonSettings blue, a;
    blue.net_namespace = "blue";
    a.instance = "a";
    const auto of_blue = paths_of({}, "/run/mainstay", "/var/spool/mainstay", blue);
    CHECK(of_blue.run_directory == "/run/mainstay/blue");
    CHECK(of_blue.spool_directory == "/var/spool/mainstay/blue");
    CHECK(of_blue.suffix == "_blue");
    CHECK(of_blue.pid_directory == "/run/mainstay/blue");
    CHECK(of_blue.pid_file({}, Kind::Lvs) == "/run/mainstay/blue/lvs.pid");
    const auto of_a = paths_of({}, "/run/mainstay", "/var/spool/mainstay", a);
    CHECK(of_a.run_directory == "/run/mainstay/a");
    CHECK(of_a.suffix == "_a");
    CHECK(of_a.pid_suffix.empty());
    const auto none = paths_of({}, "/run/mainstay", "/var/spool/mainstay", {});
    CHECK(none.run_directory == "/run/mainstay");
    CHECK(none.spool_directory == "/var/spool/mainstay");
    CHECK(none.suffix.empty());
}

TEST_CASE("what follows from the pid file stands behind namespace and instance in a daemon's name") {
    const Identity compat{true};
    const auto plain = paths_of(compat, "/run/mainstay", "/var/spool/mainstay", {}, "a.pid-1");
    CHECK(plain.name == "a.pid-1");
    CHECK(plain.run_directory == "/run/mainstay/a.pid-1");
    CHECK(plain.spool_directory == "/var/spool/mainstay/a.pid-1");
    CHECK(plain.suffix.empty());
    CHECK(plain.pid_file(compat, Kind::Vrrp) == "/run/vrrp.pid");
    CHECK(plain.pid_file(compat, Kind::Observer) == "/run/mainstay/a.pid-1/observer.pid");
    ipc::DaemonSettings amphora;
    amphora.net_namespace = "amphora-haproxy";
    CHECK(paths_of(compat, "/run/mainstay", "", amphora, "a.pid-1").run_directory ==
          "/run/mainstay/amphora-haproxy_a.pid-1");
    amphora.instance = "../../etc";
    CHECK(paths_of({}, "/run/mainstay", "", amphora)
              .run_directory.starts_with("/run/mainstay/amphora-haproxy_.._.._etc-"));
}

TEST_CASE("keepalived's pid files are in a folder of their own when there may be several daemons") {
    const Identity compat{true};
    ipc::DaemonSettings blue, a;
    blue.net_namespace = "blue";
    a.instance = "a";
    CHECK(paths_of(compat, "/run/mainstay", "", {}).pid_file(compat, Kind::Vrrp) == "/run/vrrp.pid");
    CHECK(paths_of(compat, "/run/mainstay", "", blue).pid_file(compat, Kind::Vrrp) == "/run/keepalived/vrrp.pid");
    CHECK(paths_of(compat, "/run/mainstay", "", a).pid_file(compat, Kind::Vrrp) == "/run/keepalived/vrrp_a.pid");
}

TEST_CASE("more options of processes: memory, limits and the rise of a process that is late") {
    CHECK(options_of("bfd_no_swap\nbfd_priority -3", Kind::Bfd).no_swap);
    CHECK(options_of("bfd_no_swap\nbfd_priority -3", Kind::Bfd).nice == -3);
    CHECK(options_of("bfd_rt_priority 60", Kind::Bfd).rt_priority == 60);
    CHECK(options_of("vrrp_rlimit_rtime 3000", Kind::Vrrp).rt_limit == Micros{3000});
    CHECK(options_of("vrrp_rlimit_rtime 3000\nvrrp_rlimit_rttime 4000", Kind::Vrrp).rt_limit == Micros{4000});
    CHECK(options_of("max_auto_priority -1", Kind::Lvs).auto_ceiling == 99);
    CHECK(options_of("max_auto_priority 7", Kind::Lvs).auto_ceiling == 7);
    CHECK(options_of("max_auto_priority 7", Kind::Lvs).auto_delay == Micros{1'000'000});
    CHECK(options_of("", Kind::Lvs).auto_ceiling == 0);
    CHECK(options_of("checker_process_name own\nprocess_names", Kind::Lvs).name == "own");
    CHECK(options_of("vrrp_rt_priority 99", Kind::Vrrp).rt_priority == 99);
    CHECK(options_of("", Kind::Bfd).rt_priority == std::nullopt);
}
