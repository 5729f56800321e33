// The names of the daemon and of its processes, as mainstay and as keepalived.
#include "mainstay/role/common/identity.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mainstay;
using namespace mainstay::role;

namespace {

using Kinds = std::vector<Kind>;

Kinds with(bool KindTraits::* flag) {
    Kinds kinds;
    for (const Kind kind : kRoleKinds)
        if (traits_of(kind).*flag) kinds.push_back(kind);
    return kinds;
}

}  // namespace

TEST_CASE("the daemon is mainstay, or keepalived of the version that it stands for, with its own in brackets") {
    CHECK(Identity{}.program() == "mainstay");
    CHECK(Identity{true}.program() == "Keepalived");
    CHECK(Identity{}.program_and_version("0.3.0") == "mainstay v0.3.0");
    CHECK(Identity{true}.program_and_version("0.3.0") == "Keepalived v2.4.3 (mainstay v0.3.0)");
}

TEST_CASE("logs and ps show the program of a role, or keepalived's names") {
    const Identity own, compat{true};
    CHECK(own.log_ident(Kind::Vrrp) == "mainstayd-vrrp");
    CHECK(compat.log_ident(Kind::Vrrp) == "Keepalived_vrrp");
    CHECK(compat.log_ident(Kind::Lvs) == "Keepalived_healthcheckers");
    CHECK(compat.log_ident(Kind::Supervisor) == "Keepalived");
    CHECK(own.process_name(Kind::Lvs) == "mainstayd-lvs");
    CHECK(own.process_name(Kind::Supervisor) == "mainstayd");
    CHECK(compat.process_name(Kind::Lvs) == "keepalived");
}

TEST_CASE("pid files are in the run folder, those of keepalived in /run whatever the run folder is") {
    CHECK(Identity{}.pid_file(Kind::Supervisor, "/run/x") == "/run/x/mainstayd.pid");
    CHECK(Identity{}.pid_file(Kind::Bfd, "/run/x") == "/run/x/bfd.pid");
    CHECK(Identity{true}.pid_file(Kind::Supervisor, "/run/x") == "/run/keepalived.pid");
    CHECK(Identity{true}.pid_file(Kind::Lvs, "/run/x") == "/run/checkers.pid");
}

TEST_CASE("a process that keepalived does not have has its pid file in the run folder") {
    CHECK(Identity{true}.pid_file(Kind::Observer, "/run/x") == "/run/x/observer.pid");
    CHECK(Identity{true}.pid_file(Kind::Snmp, "/run/x") == "/run/x/snmp.pid");
}

TEST_CASE("a daemon with a pid file of its own has a name that follows from it, and one folder") {
    CHECK(name_of_pid_file("") == "");
    CHECK(name_of_pid_file("/run/keepalived.pid") == "");
    CHECK(name_of_pid_file("/var/run/keepalived.pid") == "");
    CHECK(name_of_pid_file("/run/keepalived/keepalived.pid") == "");
    CHECK(name_of_pid_file("/run/mainstay/mainstayd.pid") == "");
    CHECK(name_of_pid_file("/run//octavia/../a.pid") == name_of_pid_file("/var/run/a.pid"));
    CHECK(name_of_pid_file("/run/a.pid") == "a.pid-baa9eb28");
    CHECK(name_of_pid_file("/srv/a.pid") != name_of_pid_file("/run/a.pid"));
    const std::string router = "7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e11";
    CHECK(name_of_pid_file("/var/lib/neutron/ha_confs/" + router + ".pid.keepalived") ==
          router + ".pid.keepal-4c4b6f83");
    CHECK(name_of_pid_file("/srv/..") == name_of_pid_file("/srv/.."));
    CHECK(name_of_pid_file("/srv/.pid; rm").starts_with("_pid__rm"));
}

TEST_CASE("of a daemon's name what follows from its pid file can be left out, and nothing else") {
    CHECK(follows_from_pid_file("blue_" + name_of_pid_file("/run/a.pid"), "blue"));
    CHECK(follows_from_pid_file("a.pid-baa9eb28", "a"));
    CHECK(follows_from_pid_file("a.pid-baa9eb28", "a.pid"));
    for (const char* other : {"blue", "blueish", "blue.two", "blue_two-way", "bluegreen_a.pid-baa9eb28", "blue-baa9eb2",
                              "blue_abaa9eb28", "blue_a-BAA9EB28"})
        CHECK_FALSE(follows_from_pid_file(other, "blue"));
}

TEST_CASE("a name is one folder, whatever is in it") {
    CHECK(folder_name("blue_a") == "blue_a");
    CHECK(folder_name("") == "");
    CHECK(folder_name("../x").starts_with("_._x-"));
    CHECK(folder_name("a/b") != folder_name("a_b"));
    CHECK(folder_name(std::string(200, 'a')).size() == 72);
}

TEST_CASE("a daemon that is run as keepalived is keepalived, from whatever folder") {
    CHECK(identity_of("keepalived").keepalived);
    CHECK(identity_of("/usr/sbin/keepalived").keepalived);
    CHECK(identity_of("./keepalived").keepalived);
    CHECK_FALSE(identity_of("mainstayd").keepalived);
    CHECK_FALSE(identity_of("/usr/sbin/keepalived2").keepalived);
    CHECK_FALSE(identity_of("/keepalived/mainstayd").keepalived);
    CHECK_FALSE(identity_of("").keepalived);
}

TEST_CASE("what the supervisor and the processes do differently for each kind") {
    CHECK(with(&KindTraits::only_watches) == Kinds{Kind::Observer, Kind::Snmp});
    CHECK(with(&KindTraits::always_runs) == Kinds{Kind::Observer});
    CHECK(with(&KindTraits::makes_dumps) == Kinds{Kind::Observer});
    CHECK(with(&KindTraits::is_optional) == Kinds{Kind::Snmp});
    CHECK(with(&KindTraits::has_spare) == Kinds{Kind::Vrrp});
    CHECK(with(&KindTraits::needs_snmp_socket) == Kinds{Kind::Snmp});
    CHECK(with(&KindTraits::works_on_ipvs) == Kinds{Kind::Lvs});
    CHECK(with(&KindTraits::waits_for_files) == Kinds{Kind::Lvs});
    CHECK(with(&KindTraits::hears_observations) == Kinds{Kind::Vrrp, Kind::Lvs, Kind::Bfd, Kind::Snmp});
    CHECK(with(&KindTraits::speaks_in_time) == Kinds{Kind::Vrrp, Kind::Bfd});
    CHECK(with(&KindTraits::has_many_servers) == Kinds{Kind::Lvs});
    CHECK(with(&KindTraits::is_short_of_time) == Kinds{Kind::Vrrp});
    CHECK(with(&KindTraits::shows_configuration) == Kinds{Kind::Observer});
    CHECK(with(&KindTraits::logs_reloads) == Kinds{Kind::Vrrp, Kind::Lvs});
}
