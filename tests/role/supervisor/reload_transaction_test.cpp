#include "role/supervisor/reload.hpp"

#include "mainstay/ipc/shared.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct PlayedReload {
    Roles roles;
    Generation next;
    int committed = 0;
    std::vector<std::string> aborted;
    ReloadTransaction reload{
        roles.loop,
        roles.log,
        roles.children,
        {.committed = [this] { ++committed; }, .aborted = [this](const std::string& why) { aborted.push_back(why); }}};

    PlayedReload() { next.number = 7; }
    void answer(Child& child, std::string refused = {}, std::uint64_t generation = 7) {
        reload.answered(child, {generation, std::move(refused)}, "the role");
    }
};

}  // namespace

TEST_CASE("a configuration is committed when the last role that runs is ready") {
    PlayedReload f;
    auto &vrrp = f.roles.run(Kind::Vrrp), &lvs = f.roles.run(Kind::Lvs);
    f.reload.begin(f.next);
    CHECK(f.roles.heard<ipc::Prepare>(Kind::Vrrp)->generation == 7);
    CHECK(f.roles.heard<ipc::Prepare>(Kind::Lvs)->generation == 7);
    f.answer(vrrp);
    CHECK(f.committed == 0);
    f.answer(lvs);
    CHECK(f.committed == 1);
    CHECK_FALSE(f.reload.is_under_way());
    CHECK(f.aborted.empty());
}

TEST_CASE("a configuration is committed at once when no role runs") {
    PlayedReload f;
    f.reload.begin(f.next);
    CHECK(f.committed == 1);
}

TEST_CASE("a role that was killed and does not end, because a disk hangs, has no say") {
    PlayedReload f;
    auto &vrrp = f.roles.run(Kind::Vrrp), &observer = f.roles.run(Kind::Observer);
    observer.kill_sent = true;
    f.reload.begin(f.next);
    f.answer(vrrp);
    CHECK(f.committed == 1);
    CHECK(f.aborted.empty());
    f.reload.begin(f.next);
    CHECK(f.committed == 1);  // it waits for the other one
}

TEST_CASE("one that refuses it lets all forget it, also those that were ready") {
    PlayedReload f;
    auto &vrrp = f.roles.run(Kind::Vrrp), &lvs = f.roles.run(Kind::Lvs);
    f.reload.begin(f.next);
    static_cast<void>(f.roles.heard<ipc::Prepare>(Kind::Vrrp));
    f.answer(vrrp);
    f.answer(lvs, "no memory");
    CHECK(f.aborted == std::vector<std::string>{"the role refused it: no memory"});
    CHECK(f.roles.heard<ipc::Abort>(Kind::Vrrp)->generation == 7);
    CHECK(f.committed == 0);
    f.answer(lvs);  // too late
    CHECK(f.committed == 0);
}

TEST_CASE("an answer to another generation is none") {
    PlayedReload f;
    auto& vrrp = f.roles.run(Kind::Vrrp);
    f.reload.begin(f.next);
    f.answer(vrrp, {}, 6);
    f.answer(vrrp, "too old", 6);
    CHECK(f.reload.is_under_way());
    CHECK(f.committed == 0);
}

TEST_CASE("a stopped optional role does not delay the commit") {
    PlayedReload f;
    auto &vrrp = f.roles.run(Kind::Vrrp), &snmp = f.roles.run(Kind::Snmp);
    f.reload.begin(f.next);
    f.answer(vrrp);
    snmp.forget();
    f.reload.forget_gone();
    CHECK(f.committed == 1);
    f.reload.forget_gone();  // nothing is under way
    CHECK(f.committed == 1);
}

TEST_CASE("what was prepared for an earlier reload does not count for the next one") {
    PlayedReload f;
    auto &vrrp = f.roles.run(Kind::Vrrp), &lvs = f.roles.run(Kind::Lvs);
    f.reload.begin(f.next);
    f.answer(vrrp);
    f.reload.abort("late");
    f.next.number = 8;
    f.reload.begin(f.next);
    f.answer(lvs, {}, 8);
    CHECK(f.committed == 0);
}

TEST_CASE("a reload that is cancelled at the stop is neither committed nor aborted") {
    PlayedReload f;
    auto& vrrp = f.roles.run(Kind::Vrrp);
    f.reload.begin(f.next);
    f.reload.cancel();
    CHECK_FALSE(f.reload.is_under_way());
    f.answer(vrrp);
    f.reload.forget_gone();
    CHECK(f.committed == 0);
    CHECK(f.aborted.empty());
    CHECK_FALSE(f.roles.heard<ipc::Commit>(Kind::Vrrp));
}

TEST_CASE("each role prepares its own part") {
    PlayedReload f;
    f.roles.run(Kind::Lvs);
    auto part = ipc::make_memfd("part", 10);
    REQUIRE(part);
    f.next.part(Kind::Lvs).snapshot = std::move(*part);
    f.reload.begin(f.next);
    auto got = ipc::receive_message(f.roles.lines[slot(Kind::Lvs)].get());
    REQUIRE((got && got->has_value()));
    CHECK(std::get<ipc::Received>(**got).descriptor);
}
