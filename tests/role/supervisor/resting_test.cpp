// An observer that has nothing to do ends, and the supervisor starts another one when there is something.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct Resting {
    Stage stage;
    Stage::Running running = stage.run();
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    // As the observer does it. `when`: called first.
    explicit Resting(const std::function<void(Resting&)>& when = [](Resting&) {}) {
        auto at = kernel::unix_address(stage.at("run/control.sock"));
        REQUIRE(at.has_value());
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0);
        REQUIRE(::listen(socket.get(), 4) == 0);
        when(*this);
        rest();
    }
    void rest() {
        running.observer->send(ipc::Rests{}, socket.get());
        running.observer->exit(0);
    }
    // The next one, which runs.
    Played& next(std::uint64_t generation = 1) {
        auto& observer = stage.started("mainstayd-obs");
        CHECK(observer.hear<ipc::RoleStartup>().has_api_socket);
        Stage::take_configuration(observer, generation);
        running.observer = &observer;
        return observer;
    }
};

}  // namespace

TEST_CASE("while the observer rests no process of it is there, and that is no death" * mainstay::test::kNeedsRoot) {
    Resting b;
    CHECK(b.stage.starts_none("mainstayd-obs"));
    CHECK(b.stage.logged("died") == 0);
    b.stage.until([&] { return b.stage.text("run/observer.pid").empty(); }, "the pid file to go");
}

TEST_CASE("a client of the API wakes the observer, which gets the socket on which the client waits" *
          mainstay::test::kNeedsRoot) {
    Resting b;
    const auto client = kernel::connect_unix(b.stage.at("run/control.sock"), SOCK_STREAM);
    REQUIRE(client.has_value());
    b.next();
    CHECK(b.stage.stop(b.running) == 0);
}

TEST_CASE("a reload wakes the observer, and it gets the new configuration" * mainstay::test::kNeedsRoot) {
    Resting b;
    b.stage.reload(b.running, {});
    auto& vrrp = b.running[Kind::Vrrp];
    Stage::take_configuration(vrrp, 2);
    b.next(2);
    b.stage.until_logged("Reload complete");
    CHECK(b.stage.stop(b.running) == 0);
}

TEST_CASE("a reload that waits for the observer alone, which rests just then, is committed and starts one observer" *
          mainstay::test::kNeedsRoot) {
    Resting b{[](Resting& before) {
        before.stage.reload(before.running, {});
        auto& vrrp = before.running[Kind::Vrrp];
        vrrp.hear<ipc::Prepare>();
        vrrp.send(ipc::Prepared{2, {}});
        // Its answer comes when the supervisor has that of the role.
        REQUIRE(answer<ipc::OperatorAnswered>(before.stage.ask(ipc::LogLevelQuestion{})));
    }};
    auto& vrrp = b.running[Kind::Vrrp];
    vrrp.hear<ipc::Commit>();
    vrrp.send(ipc::Committed{2});
    b.next(2);
    b.stage.until_logged("Reload complete");
    CHECK(b.stage.starts_none("mainstayd-obs"));
    CHECK(b.stage.logged("wait for the observer's work") == 0);
    CHECK(b.stage.stop(b.running) == 0);
}

TEST_CASE("a dump that is asked for wakes the observer, which makes it" * mainstay::test::kNeedsRoot) {
    Resting b;
    b.stage.signal(SIGUSR2);
    auto& observer = b.next();
    auto& vrrp = b.running[Kind::Vrrp];
    CHECK(vrrp.hear<ipc::DumpRequested>().signal == SIGUSR2);
    vrrp.send(ipc::DumpRequested{SIGUSR2});
    CHECK(observer.hear<ipc::DumpRequested>().signal == SIGUSR2);
    CHECK(b.stage.logged("does not run just now") == 0);
    CHECK(b.stage.stop(b.running) == 0);
}

TEST_CASE("a stop wakes the observer, which stores the last events and is stopped last" * mainstay::test::kNeedsRoot) {
    Resting b;
    b.stage.signal(SIGTERM);
    auto& vrrp = b.running[Kind::Vrrp];
    vrrp.hear<ipc::Stop>();
    vrrp.exit(0);
    auto& observer = b.next();
    observer.hear<ipc::Stop>();
    observer.exit(0);
    CHECK(b.stage.exit_code() == 0);
}

TEST_CASE("an upgrade wakes the observer, so that the new program finds one to replace" * mainstay::test::kNeedsRoot) {
    Resting b;
    const auto client = b.stage.ask(ipc::Upgrade{b.stage.at("mainstayd-next")});
    auto& trial = b.stage.started("mainstayd-next");
    trial.hear<ipc::UpgradeTrial>();
    trial.send(ipc::UpgradeChecked{{}, "9"});
    trial.exit(0);
    // The one that was woken and its successor run side by side: either may be the first to be seen.
    const auto one = b.stage.started("mainstayd-obs").hear<ipc::RoleStartup>();
    const auto other = b.stage.started("mainstayd-obs").hear<ipc::RoleStartup>();
    CHECK(one.spare != other.spare);
    CHECK((one.spare ? other : one).has_api_socket);
    CHECK(b.stage.logged("state resumed from version ") == 1);
}

TEST_CASE("an observer that rests again and again right after its start is slowed down" * mainstay::test::kNeedsRoot) {
    Resting b;
    const auto client = kernel::connect_unix(b.stage.at("run/control.sock"), SOCK_STREAM);
    REQUIRE(client.has_value());
    b.next();
    b.rest();  // it has not accepted the client
    CHECK(b.stage.starts_none("mainstayd-obs"));
    b.next();
    CHECK(b.stage.stop(b.running) == 0);
}

TEST_CASE("an observer that rests without the API's socket is killed for it" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    running.observer->send(ipc::Rests{});
    stage.until_logged("rests without the socket of the API: killing it (offence 1 of this role)");
    running.observer = &stage.started("mainstayd-obs");
    CHECK_FALSE(running.observer->hear<ipc::RoleStartup>().has_api_socket);
    Stage::take_configuration(*running.observer, 1);
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a role whose restart nobody notices has no spare, also after a reload that says so" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written quick, slow;
    slow.done.daemon.without_spare = true;
    auto running = stage.run(quick);
    auto& spare = stage.started("mainstayd-vrrp");
    CHECK(spare.hear<ipc::RoleStartup>().spare);
    spare.hear<ipc::Prepare>();
    spare.send(ipc::Prepared{1, {}});
    stage.reload(running, slow);
    for (auto* role : {&running[Kind::Vrrp], running.observer}) {
        role->hear<ipc::Prepare>();
        role->send(ipc::Prepared{2, {}});
    }
    for (auto* role : {&running[Kind::Vrrp], running.observer}) {
        role->hear<ipc::Commit>();
        role->send(ipc::Committed{2});
    }
    spare.until_gone();
    stage.until_logged("Reload complete");
    CHECK(stage.starts_none("mainstayd-vrrp"));
    CHECK(stage.stop(running) == 0);
}
