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
    CHECK(with(&KindTraits::logs_reloads) == Kinds{Kind::Vrrp, Kind::Lvs});
}
