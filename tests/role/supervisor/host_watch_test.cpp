// The watcher as the supervisor has it: what it is told, what is believed of it, and when there is another one.
#include "role/supervisor/host_watch.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mainstay/ipc/shared.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Seen = ipc::Observation::Kind;
using Texts = std::vector<std::string>;

namespace {

vrrp::WatchPlan files(std::vector<std::string> names) {
    vrrp::WatchPlan plan;
    for (auto& name : names) plan.files.push_back({.name = std::move(name)});
    return plan;
}
vrrp::WatchPlan processes(const std::string& name) {
    vrrp::WatchPlan plan;
    plan.processes.push_back({.name = name});
    return plan;
}

Texts texts(const ipc::Observations& seen) {
    Texts all;
    for (const auto& one : seen.list)
        all.push_back((one.kind == Seen::File      ? "file "
                       : one.kind == Seen::Process ? "process "
                                                   : "link ") +
                      one.name + " " + std::to_string(one.value));
    return all;
}

// In how many messages they come is asked by one test only.
Texts texts(const std::vector<ipc::Observations>& seen) {
    Texts all;
    for (const auto& one : seen) std::ranges::move(texts(one), std::back_inserter(all));
    return all;
}

// The test is the watcher: it has the other end of the line. The process is one that does nothing.
struct WatchedHost {
    Roles roles;  // for its loop and its log
    UniqueFd line;
    std::vector<int> pids;
    std::vector<bool> again;
    std::vector<Texts> delivered;
    Texts files_read;
    std::size_t room = 1000;  // for servers, at the role
    int looked = 0;
    std::vector<std::pair<int, int>> signals;  // handed on, with the watcher's pid
    std::vector<std::pair<int, std::uint64_t>> losses;
    bool can_start = true;
    HostWatch watch{roles.loop,
                    roles.log,
                    [this](int control) -> Result<int> {
                        if (!can_start) return fail(Errc::State, "no memory");
                        line.reset(::fcntl(control, F_DUPFD_CLOEXEC, 3));
                        pids.push_back(process());
                        return pids.back();
                    },
                    [this](bool is_another) {
                        again.push_back(is_another);
                        return ipc::RoleStartup{};
                    },
                    [this](const ipc::Observations& seen) { delivered.push_back(texts(seen)); },
                    [this](const ipc::ServerFileRead& read, int servers) {
                        if (room == 0) return false;
                        --room;
                        files_read.push_back(text(read, servers));
                        return true;
                    },
                    [this] { ++looked; },
                    [this](int pid, int signal) { signals.emplace_back(pid, signal); },
                    [this](int pid, std::uint64_t lines) { losses.emplace_back(pid, lines); }};

    WatchedHost() = default;
    WatchedHost(const WatchedHost&) = delete;
    WatchedHost& operator=(const WatchedHost&) = delete;
    ~WatchedHost() {
        for (const int pid : pids) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
    static int process() {
        int closed[2];
        REQUIRE(::pipe2(closed, O_CLOEXEC) == 0);
        const int pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::close_range(3, ~0U, 0);  // the ends of the line among them
            for (;;) ::pause();
        }
        ::close(closed[1]);
        char none = 0;
        REQUIRE(::read(closed[0], &none, 1) == 0);  // until the child has closed its own
        ::close(closed[0]);
        return pid;
    }
    void follow(const vrrp::WatchPlan& plan) {
        auto memory = ipc::make_sealed_memfd("plan", {});
        REQUIRE(memory);
        watch.follow(std::move(*memory), plan);
    }
    // "/x has 3 bytes", "/x: gone"
    static std::string text(const ipc::ServerFileRead& read, int servers) {
        if (!read.problem.empty()) return read.source + ": " + read.problem;
        const auto size = ipc::sealed_size(servers);
        return read.source + " has " + (size ? std::to_string(*size) : "unreadable") + " bytes";
    }
    // What a role that starts now is given.
    Texts known_files() {
        const Texts before = std::exchange(files_read, {});
        watch.deliver_all_servers();
        return std::exchange(files_read, before);
    }
    void send(const ipc::Message& message, int descriptor = -1) {
        REQUIRE(ipc::send_message(line.get(), message, descriptor));
        turn();
    }
    void turn() {
        roles.loop.restart();
        roles.loop.poll();
    }
    // Which plan the watcher got next; 0: none.
    std::uint64_t plan() const {
        const auto got = next_message<ipc::Prepare>(line.get());
        return got ? got->generation : 0;
    }
    bool greeted() const { return next_message<ipc::RoleStartup>(line.get()).has_value(); }
    // The signal that ended the process that was started last; the supervisor hears of it.
    int end_of_last() {
        int status = 0;
        REQUIRE(::waitpid(pids.back(), &status, 0) == pids.back());
        const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        const int pid = std::exchange(pids.back(), process());  // its place in the list is that of a living one
        CHECK(watch.ended({.pid = pid, .signalled = true, .status = signal}));
        return signal;
    }
    bool logged(const std::string& part) const {
        for (const auto& text : roles.log.texts)
            if (text.find(part) != std::string::npos) return true;
        return false;
    }
};

}  // namespace

TEST_CASE("nothing to watch needs no watcher, and is looked at as it is") {
    WatchedHost f;
    f.follow({});
    CHECK(f.pids.empty());
    CHECK(f.watch.has_looked());
    CHECK(f.watch.seen().empty());
}

TEST_CASE("a watcher is greeted and gets its plan, and has looked when it says so of that plan") {
    WatchedHost f;
    f.follow(files({"a"}));
    REQUIRE(f.pids.size() == 1);
    CHECK(f.again == std::vector{false});
    CHECK(f.greeted());
    CHECK(f.plan() == 1);
    CHECK_FALSE(f.watch.has_looked());
    f.send(ipc::Prepared{2});
    CHECK_FALSE(f.watch.has_looked());
    CHECK(f.looked == 0);
    f.send(ipc::Prepared{1});
    CHECK(f.watch.has_looked());
    CHECK(f.looked == 1);
}

TEST_CASE("what it sees of the plan is delivered and kept, the latest of each") {
    WatchedHost f;
    auto plan = files({"a", "b"});
    plan.processes.push_back({.name = "haproxy"});
    plan.links.push_back({.name = "eth0"});
    f.follow(plan);
    f.send(ipc::Observations{{{Seen::File, "a", 7}, {Seen::File, "haproxy", 1}, {Seen::Process, "haproxy", 2}}});
    f.send(ipc::Observations{{{Seen::Link, "eth0", 1}, {Seen::File, "a", 8}}});
    f.send(ipc::Observations{{{Seen::Link, "eth1", 1}}});
    CHECK(f.delivered == std::vector<Texts>{{"file a 7", "process haproxy 2"}, {"link eth0 1", "file a 8"}});
    CHECK(texts(f.watch.seen()) == Texts{"file a 8", "process haproxy 2", "link eth0 1"});
}

TEST_CASE("what is known of very many objects is told in messages that can be sent") {
    WatchedHost f;
    constexpr int kFiles = 3'000;
    std::vector<std::string> names;
    for (int i = 0; i < kFiles; ++i) names.push_back(std::string(40, 'x') + std::to_string(i));
    vrrp::WatchPlan plan;
    for (const auto& name : names) plan.files.push_back({.name = name});
    f.follow(plan);
    for (const auto& name : names) f.send(ipc::Observations{{{Seen::File, name, 7}}});
    const auto seen = f.watch.seen();
    CHECK(texts(seen).size() == kFiles);
    CHECK(seen.size() > 1);
    CHECK(seen.size() < 20);
    for (const auto& one : seen) CHECK(ipc::encode_message(one).size() <= ipc::kMessageBytesMax);
}

TEST_CASE("a signal that the watcher hands on is passed on, while they are not too many") {
    WatchedHost f;
    f.follow(files({"a"}));
    f.send(ipc::SignalReceived{SIGUSR1});
    CHECK(f.signals == std::vector{std::pair{f.pids.back(), SIGUSR1}});
    for (int i = 0; i < 900; ++i) f.send(ipc::SignalReceived{SIGHUP});
    CHECK(f.signals.size() >= 300);
    CHECK(f.signals.size() < 400);
    CHECK_FALSE(f.logged("killing it"));
}

TEST_CASE("another plan for the same rights goes to the same watcher, and nothing is known of it yet") {
    WatchedHost f;
    f.follow(files({"a"}));
    CHECK(f.greeted());
    CHECK(f.plan() == 1);
    f.send(ipc::Prepared{1});
    f.send(ipc::Observations{{{Seen::File, "a", 7}}});
    f.follow(files({"b"}));
    CHECK(f.pids.size() == 1);
    CHECK(f.plan() == 2);
    CHECK_FALSE(f.watch.has_looked());
    CHECK(f.watch.seen().empty());
    f.send(ipc::Observations{{{Seen::File, "a", 8}}});
    CHECK(f.delivered.size() == 1);
    f.send(ipc::Prepared{1});  // of the plan before
    CHECK_FALSE(f.watch.has_looked());
    f.send(ipc::Prepared{2});
    CHECK(f.watch.has_looked());
}

TEST_CASE("a plan that needs other rights is for another watcher, which starts when the old one is gone") {
    WatchedHost f;
    f.follow(files({"a"}));
    f.follow(processes("haproxy"));
    CHECK(f.pids.size() == 1);
    CHECK(f.end_of_last() == SIGKILL);
    CHECK(f.pids.size() == 2);
    CHECK(f.again == std::vector{false, true});
    CHECK(f.greeted());
    CHECK(f.plan() == 2);
    CHECK(f.roles.log.texts.empty());
}

TEST_CASE("a watcher that nobody needs is let go, and the next plan starts another one") {
    WatchedHost f;
    f.follow(files({"a"}));
    f.follow({});
    CHECK(f.watch.has_looked());
    CHECK_FALSE(ipc::send_message(f.line.get(), ipc::Heartbeat{}));  // nobody is at the other end
    CHECK_FALSE(f.watch.ended({.pid = kNobody}));
    CHECK(f.watch.ended({.pid = f.pids[0]}));
    CHECK(f.roles.log.texts.empty());
    f.follow(files({"a"}));
    CHECK(f.pids.size() == 2);
    CHECK(f.greeted());
    CHECK(f.plan() == 3);
}

TEST_CASE("after an upgrade the first watcher is not the first one of the daemon") {
    WatchedHost f;
    f.watch.go_on();
    f.follow(files({"a"}));
    CHECK(f.again == std::vector{true});
}

TEST_CASE("a watcher that comes with a reload is not the first one of the daemon, one that begins late is") {
    WatchedHost f;
    f.follow({});
    f.follow(files({"a"}));
    CHECK(f.again == std::vector{true});

    WatchedHost late;
    late.can_start = false;
    late.follow(files({"a"}));
    late.can_start = true;
    late.roles.until([&] { return !late.pids.empty(); });
    CHECK(late.again == std::vector{false});
}

TEST_CASE("a watcher that dies is replaced a second later, and what it saw counts until then") {
    WatchedHost f;
    f.follow(files({"a"}));
    f.send(ipc::Observations{{{Seen::File, "a", 7}}});
    CHECK(f.watch.ended({.pid = f.pids[0], .signalled = false, .status = 3}));
    CHECK_FALSE(f.watch.ended({.pid = f.pids[0]}));
    CHECK(f.pids.size() == 1);
    CHECK(f.logged("the watcher of files, processes and links ended (exit status 3): what it saw last counts until"));
    CHECK(texts(f.watch.seen()) == Texts{"file a 7"});
    f.roles.until([&] { return f.pids.size() == 2; });
    CHECK(f.again == std::vector{false, true});
    CHECK(f.greeted());
    CHECK(f.plan() == 1);
}

TEST_CASE("one that dies when nothing is to be watched any more, or at the stop, is not replaced") {
    WatchedHost dismissed, stopped;
    dismissed.follow(files({"a"}));
    CHECK(dismissed.watch.ended({.pid = dismissed.pids[0], .signalled = true, .status = 9}));
    dismissed.follow({});
    stopped.follow(files({"a"}));
    stopped.watch.stop();
    CHECK(stopped.end_of_last() == SIGKILL);
    CHECK_FALSE(stopped.logged("ended"));
    for (auto* f : {&dismissed, &stopped}) {
        f->roles.loop.restart();
        f->roles.loop.run_for(kWatcherPause + std::chrono::milliseconds{300});
        CHECK(f->pids.size() == 1);
    }
}

TEST_CASE("a watcher that cannot be started is tried again") {
    WatchedHost f;
    f.can_start = false;
    f.follow(files({"a"}));
    CHECK(f.roles.log.texts == Texts{"files, processes and links cannot be watched: no memory"});
    CHECK_FALSE(f.watch.has_looked());
    f.can_start = true;
    f.roles.until([&] { return f.pids.size() == 1; });
}

TEST_CASE("a watcher that sends what it may not, what cannot be read, or far too much is killed") {
    const auto killed = [](const std::function<void(WatchedHost&)>& what, const std::string& why) {
        WatchedHost f;
        f.follow(files({"a"}));
        const int pid = f.pids[0];
        what(f);
        CHECK(f.logged("the watcher process(" + std::to_string(pid) + ") " + why));
        CHECK(f.logged(": killing it (offence 1)"));
        CHECK(f.end_of_last() == SIGKILL);
        CHECK_FALSE(ipc::send_message(f.line.get(), ipc::Heartbeat{}));
    };
    killed([](WatchedHost& f) { f.send(ipc::Committed{}); }, "sent a message Committed, which it may not send");
    killed([](WatchedHost& f) { f.send(ipc::SignalReceived{SIGTERM}); }, "sent a signal that is not to be handed on");
    killed(
        [](WatchedHost& f) {
            REQUIRE(::send(f.line.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
            f.turn();
        },
        "sent what cannot be read");
    killed(
        [](WatchedHost& f) {
            for (int i = 0; i < 2000 && ipc::send_message(f.line.get(), ipc::Heartbeat{}); ++i) f.turn();
        },
        "exceeded its message rate");
}

TEST_CASE("of an offender nothing more is delivered, and it pauses for longer each time") {
    WatchedHost f;
    f.follow(files({"a"}));
    REQUIRE(ipc::send_message(f.line.get(), ipc::Committed{}));
    REQUIRE(ipc::send_message(f.line.get(), ipc::Observations{{{Seen::File, "a", 7}}}));
    f.turn();
    CHECK(f.delivered.empty());
    CHECK(f.end_of_last() == SIGKILL);
    f.roles.loop.restart();
    f.roles.loop.run_for(kWatcherPause + std::chrono::milliseconds{300});
    CHECK(f.pids.size() == 1);  // two seconds after the first offence
    f.roles.until([&] { return f.pids.size() == 2; });
    f.follow(files({"b"}));  // another plan forgives
    REQUIRE(ipc::send_message(f.line.get(), ipc::Committed{}));
    f.turn();
    CHECK(f.logged("(offence 2)"));
}

TEST_CASE("a watcher that is silent for ten looks is killed, once, and a heartbeat counts anew") {
    WatchedHost f;
    f.watch.look();  // without a watcher
    f.follow(files({"a"}));
    for (int i = 0; i < 10; ++i) f.watch.look();
    f.send(ipc::Heartbeat{5});
    CHECK(f.losses == std::vector<std::pair<int, std::uint64_t>>{{f.pids.back(), 5}});
    for (int i = 0; i < 10; ++i) f.watch.look();
    CHECK(f.roles.log.texts.empty());
    f.watch.look();
    f.watch.look();
    CHECK(f.roles.log.texts ==
          Texts{"the watcher of files, processes and links has sent no heartbeat for 10 s: killing it"});
    CHECK(f.end_of_last() == SIGKILL);
}

TEST_CASE("a watcher is read 64 messages at a time") {
    WatchedHost f;
    f.follow(files({"a"}));
    for (int i = 0; i < 65; ++i) REQUIRE(ipc::send_message(f.line.get(), ipc::Observations{{{Seen::File, "a", i}}}));
    f.roles.loop.restart();
    f.roles.loop.poll_one();
    CHECK(f.delivered.size() == 64);
    f.turn();
    CHECK(f.delivered.size() == 65);
}

TEST_CASE("the servers of files of the plan are delivered and kept, the latest of each, and those of others are not") {
    WatchedHost f;
    vrrp::WatchPlan plan;
    plan.server_files = {{.path = "/x"}, {.path = "/y"}};
    f.follow(plan);
    CHECK(f.known_files().empty());
    const auto three = ipc::make_sealed_memfd("servers", std::vector<std::byte>(3));
    const auto four = ipc::make_sealed_memfd("servers", std::vector<std::byte>(4));
    f.send(ipc::ServerFileRead{"/x", {}}, three->get());
    f.send(ipc::ServerFileRead{"/z", {}}, three->get());
    f.send(ipc::ServerFileRead{"/y", "gone"});
    f.send(ipc::ServerFileRead{"/x", {}}, four->get());
    CHECK(f.files_read == Texts{"/x has 3 bytes", "/y: gone", "/x has 4 bytes"});
    CHECK(f.known_files() == Texts{"/x has 4 bytes", "/y: gone"});
    plan.server_files.pop_back();
    f.follow(plan);
    CHECK(f.known_files().empty());
}

TEST_CASE("servers for which the role has no room are delivered later, the latest of each file, until none is left") {
    WatchedHost f;
    vrrp::WatchPlan plan;
    plan.server_files = {{.path = "/x"}, {.path = "/y"}, {.path = "/z"}};
    f.follow(plan);
    const auto three = ipc::make_sealed_memfd("servers", std::vector<std::byte>(3));
    const auto four = ipc::make_sealed_memfd("servers", std::vector<std::byte>(4));
    f.room = 1;
    f.send(ipc::ServerFileRead{"/x", {}}, three->get());
    f.send(ipc::ServerFileRead{"/y", {}}, three->get());
    f.send(ipc::ServerFileRead{"/z", "gone"});
    f.send(ipc::ServerFileRead{"/y", {}}, four->get());
    CHECK(f.files_read == Texts{"/x has 3 bytes"});

    f.room = 1;
    while (f.files_read.size() < 2) f.roles.loop.run_one_for(std::chrono::seconds{5});
    CHECK(f.files_read.back() == "/y has 4 bytes");
    f.room = 5;
    while (f.files_read.size() < 3) f.roles.loop.run_one_for(std::chrono::seconds{5});
    CHECK(f.files_read.back() == "/z: gone");
    f.roles.loop.run_for(3 * kRoomPause);
    CHECK(f.files_read.size() == 3);
}

TEST_CASE("a watcher that sends servers that cannot be read, or a text without end, is killed") {
    const auto ends = [](const ipc::ServerFileRead& read, const Result<UniqueFd>& servers) {
        WatchedHost f;
        vrrp::WatchPlan plan;
        plan.server_files = {{.path = "/x"}};
        f.follow(plan);
        f.send(read, servers ? servers->get() : -1);
        CHECK(f.known_files().empty());
        return f.end_of_last() == SIGKILL;
    };
    CHECK(ends({"/x", {}}, fail(Errc::State, "none")));
    CHECK(ends({"/x", {}}, ipc::make_memfd("not sealed", 100)));
    CHECK(ends({"/x", {}}, ipc::make_sealed_memfd("servers", std::vector<std::byte>((1U << 20U) + 1))));
    CHECK(ends({"/x", std::string(8193, 'x')}, fail(Errc::State, "none")));
}

TEST_CASE("a text of 8 KiB about a file of servers is no offence") {
    WatchedHost f;
    vrrp::WatchPlan plan;
    plan.server_files = {{.path = "/x"}};
    f.follow(plan);
    const std::string longest(8192, 'x');
    f.send(ipc::ServerFileRead{"/x", longest});
    CHECK(f.files_read == Texts{"/x: " + longest});
}
