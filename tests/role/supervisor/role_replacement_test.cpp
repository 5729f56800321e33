#include "role/supervisor/role_replacement.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

using Kinds = std::vector<Kind>;

struct ReplacedRoles {
    Roles roles;
    std::set<Kind> running{Kind::Vrrp, Kind::Lvs};
    Kinds started, dropped, retired;
    int retiring = kNobody;  // the process that is asked to leave
    std::vector<std::pair<std::uint32_t, std::string>> results;
    RoleReplacement replacement{
        roles.loop,
        roles.log,
        {.runs = [this](Kind kind) { return running.contains(kind); },
         .start_successor = [this](Kind kind) { started.push_back(kind); },
         .drop_successor = [this](Kind kind) { dropped.push_back(kind); },
         .retire =
             [this](Kind kind) {
                 retired.push_back(kind);
                 return retiring;
             },
         .over = [this](std::uint32_t done, const std::string& problem) { results.emplace_back(done, problem); }}};

    void replace(Kind kind) {
        replacement.successor_ready(kind);
        CHECK(replacement.has_left(kind));
        replacement.committed(kind);
    }
};

}  // namespace

TEST_CASE("roles are replaced one after the other, the last one first") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.add(Kind::Lvs);
    f.replacement.next();
    CHECK(f.started == Kinds{Kind::Lvs});
    f.replace(Kind::Lvs);
    CHECK(f.started == Kinds{Kind::Lvs, Kind::Vrrp});
    CHECK(f.results.empty());
    f.replace(Kind::Vrrp);
    CHECK(f.retired == Kinds{Kind::Lvs, Kind::Vrrp});
    CHECK(f.results == std::vector{std::pair{2U, std::string{}}});
    CHECK(f.dropped == Kinds{Kind::Lvs});  // vrrp keeps its spare
}

TEST_CASE("an old process leaves only after its successor is ready") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.next();
    CHECK_FALSE(f.replacement.has_left(Kind::Vrrp));  // it died
    f.replacement.successor_ready(Kind::Lvs);         // another one's spare
    CHECK(f.retired.empty());
    f.replacement.successor_ready(Kind::Vrrp);
    f.replacement.successor_ready(Kind::Vrrp);
    CHECK(f.retired == Kinds{Kind::Vrrp});
    CHECK_FALSE(f.replacement.has_left(Kind::Lvs));
}

TEST_CASE("a role whose successor is lost keeps its process, and the others are replaced") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.add(Kind::Lvs);
    f.replacement.next();
    f.replacement.successor_lost(Kind::Vrrp, "nobody waits for this one");
    f.replacement.successor_lost(Kind::Lvs, "exit status 1");
    f.roles.until([&] { return f.started.size() == 2; });
    CHECK(f.retired.empty());
    f.replace(Kind::Vrrp);
    CHECK(f.results == std::vector{std::pair{1U, std::string{"Healthcheck: exit status 1"}}});
}

TEST_CASE("a role that no longer runs is skipped") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.add(Kind::Bfd);
    f.replacement.next();
    CHECK(f.started == Kinds{Kind::Vrrp});
}

TEST_CASE("a successor whose old process has died meanwhile retires no process") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.next();
    f.running.clear();
    f.replacement.successor_ready(Kind::Vrrp);
    CHECK(f.retired.empty());
}

namespace {

bool has_ended(int pid) { return ::waitpid(pid, nullptr, WNOHANG) == pid; }

}  // namespace

TEST_CASE("an old process that does not leave within a second is killed, one that leaves is left alone") {
    ReplacedRoles slow, quick;
    const int stays = sleeper(), leaves = sleeper();
    slow.retiring = stays;
    quick.retiring = leaves;
    for (ReplacedRoles* f : {&slow, &quick}) {
        f->replacement.add(Kind::Vrrp);
        f->replacement.next();
        f->replacement.successor_ready(Kind::Vrrp);
    }
    CHECK(quick.replacement.has_left(Kind::Vrrp));
    slow.roles.until([&] { return has_ended(stays); });
    quick.roles.loop.run_for(kRetireWait + std::chrono::milliseconds{100});
    CHECK_FALSE(has_ended(leaves));
    ::kill(leaves, SIGKILL);
    ::waitpid(leaves, nullptr, 0);
}

TEST_CASE("each role that is not replaced is named at the end, and its successor is dropped") {
    ReplacedRoles f;
    f.replacement.add(Kind::Vrrp);
    f.replacement.add(Kind::Lvs);
    f.replacement.next();
    f.replacement.successor_lost(Kind::Lvs, "one");
    f.roles.until([&] { return f.started.size() == 2; });
    f.replacement.successor_lost(Kind::Vrrp, "two");
    f.roles.until([&] { return !f.results.empty(); });
    CHECK(f.results == std::vector{std::pair{0U, std::string{"Healthcheck: one; VRRP: two"}}});
    CHECK(f.roles.log.texts ==
          std::vector<std::string>{"the Healthcheck process is not replaced: one",
                                   "the VRRP process is not replaced: two",
                                   "upgrade complete: 0 roles run the new program; not replaced: Healthcheck: one; "
                                   "VRRP: two"});
}
