#include "mainstay/role/common/kinds.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "role/common/process.hpp"

using namespace mainstay;
using namespace mainstay::role;

TEST_CASE("each kind of process has a program, an account and a pid file of its own") {
    std::set<std::string> programs, accounts, pid_files;
    for (const Kind kind : kRoleKinds) {
        programs.insert(traits_of(kind).program);
        accounts.insert(traits_of(kind).account);
        pid_files.insert(traits_of(kind).pid_file);
    }
    CHECK(programs.size() == kRoles);
    CHECK(accounts.size() == kRoles);
    CHECK(pid_files.size() == kRoles);
    CHECK(std::string{traits_of(Kind::Lvs).program} == "mainstayd-lvs");
    CHECK(std::string{traits_of(Kind::Snmp).account} == "mainstay-snmp");
    CHECK(std::string{traits_of(Kind::Lvs).keepalived_pid_file} == "checkers.pid");
}

TEST_CASE(
    "only vrrp has a spare and addresses, only lvs IPVS and servers, only the observer the password of the mails") {
    for (const Kind kind : kRoleKinds) {
        const auto& traits = traits_of(kind);
        CHECK(traits.has_spare == (kind == Kind::Vrrp));
        CHECK(traits.works_on_ipvs == (kind == Kind::Lvs));
        CHECK(traits.only_watches == (kind == Kind::Observer || kind == Kind::Snmp));
        CHECK((traits.keywords == nullptr) == traits.only_watches);
        CHECK(traits.holds_addresses == (kind == Kind::Vrrp));
        CHECK(traits.checks_servers == (kind == Kind::Lvs));
        CHECK(traits.follows_maintenance == (traits.holds_addresses || traits.checks_servers));
        CHECK(traits.sends_alerts == (kind == Kind::Observer));  // nobody else gets the password of the mails
        CHECK(traits.serves_clients == (kind == Kind::Observer));
    }
}

TEST_CASE("process_names gives each role keepalived's name, and a keyword of its own beats it") {
    config::Global global;
    global.more.edit().values = {{"process_names", true}};
    CHECK(process_options(global, Kind::Vrrp).name == "keepalived_vrrp");
    CHECK(process_options(global, Kind::Lvs).name == "keepalived_lvs");
    CHECK(process_options(global, Kind::Bfd).name == "keepalived_bfd");
    CHECK(process_options(global, Kind::Observer).name.empty());
    global.more.edit().values = {{"lvs_process_name", config::WordList{"old"}}};
    CHECK(process_options(global, Kind::Lvs).name == "old");
    global.more.edit().values = {{"checker_process_name", config::WordList{"own"}},
                                 {"lvs_process_name", config::WordList{"old"}}};
    CHECK(process_options(global, Kind::Lvs).name == "own");
}
