#include "role/supervisor/dumps.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using Texts = std::vector<std::string>;

namespace {

struct DumpRequestsBench {
    DumpRequestsBench()
        : dumps{loop,
                log,
                {.runs = [this](Kind kind) { return running.contains(kind); },
                 .refresh =
                     [this](Kind kind, int signal) {
                         asked.push_back((kind == Kind::Vrrp ? "vrrp " : "lvs ") + std::to_string(signal));
                     },
                 .write = [this](int signal) -> DumpWriters {
                     asked.push_back("write " + std::to_string(signal));
                     if (broken) return {};
                     return {.observers = ++process, .readers = process_of_reader};
                 },
                 .offended = [this] { asked.emplace_back("offended"); },
                 .wake_observer =
                     [this] {
                         if (rests) asked.emplace_back("wake");
                         return rests;
                     }}} {}

    Texts take() { return std::exchange(asked, {}); }

    boost::asio::io_context loop;
    mainstay::test::KeptLog log;
    std::set<Kind> running{Kind::Vrrp, Kind::Lvs, Kind::Observer};
    Texts asked;
    int process = 100, process_of_reader = 0;
    bool broken = false, rests = false;
    DumpRequests dumps;
};

}  // namespace

TEST_CASE("for a dump vrrp and lvs report their state, then the observer writes") {
    DumpRequestsBench bench;
    bench.dumps.add(10);
    CHECK(bench.take() == Texts{"vrrp 10", "lvs 10"});
    bench.dumps.refreshed(Kind::Lvs, 10);
    bench.dumps.refreshed(Kind::Lvs, 10);
    bench.dumps.refreshed(Kind::Vrrp, 12);
    CHECK(bench.take().empty());
    bench.dumps.refreshed(Kind::Vrrp, 10);
    CHECK(bench.take() == Texts{"write 10"});
    CHECK_FALSE(bench.dumps.ended({.pid = 77}));
    CHECK(bench.dumps.under_way());
    CHECK(bench.dumps.ended({.pid = 101}));
    CHECK_FALSE(bench.dumps.under_way());
    CHECK_FALSE(bench.dumps.ended({.pid = 0}));
}

TEST_CASE("a dump is over when the process of the observer's files and that of the reader's have ended") {
    DumpRequestsBench bench;
    bench.process_of_reader = 55;
    for (const bool reader_first : {true, false}) {
        bench.running = {Kind::Observer};
        bench.dumps.add(10);
        const int first = reader_first ? 55 : bench.process, second = reader_first ? bench.process : 55;
        CHECK(bench.dumps.ended({.pid = first}));
        CHECK(bench.dumps.under_way());
        CHECK_FALSE(bench.dumps.ended({.pid = first}));
        CHECK(bench.dumps.ended({.pid = second, .status = second == 55 ? kDumpOffence : 0}));
        CHECK_FALSE(bench.dumps.under_way());
    }
    CHECK(bench.take() == Texts{"write 10", "write 10"});
}

TEST_CASE("statistics and JSON do not wait for lvs, of which they have nothing") {
    DumpRequestsBench bench;
    for (const int signal : {SIGUSR2, SIGRTMIN + 2, SIGRTMAX - 1}) {
        bench.dumps.add(signal);
        bench.dumps.refreshed(Kind::Vrrp, signal);
        const auto number = std::to_string(signal);
        CHECK(bench.take() == Texts{"vrrp " + number, "write " + number});
        CHECK(bench.dumps.ended({.pid = bench.process}));
    }
}

TEST_CASE("dumps are made one after the other, and the same request twice while it waits is one") {
    DumpRequestsBench bench;
    bench.running = {Kind::Observer};
    for (const int signal : {10, 12, 10, 12, 36}) bench.dumps.add(signal);
    CHECK(bench.take() == Texts{"write 10"});
    CHECK(bench.dumps.ended({.pid = 101}));
    CHECK(bench.take() == Texts{"write 12"});
    CHECK(bench.dumps.ended({.pid = 102}));
    CHECK(bench.take() == Texts{"write 10"});
    CHECK(bench.dumps.ended({.pid = 103}));
    CHECK(bench.take() == Texts{"write 36"});
    CHECK(bench.dumps.ended({.pid = 104}));
    CHECK_FALSE(bench.dumps.under_way());
}

TEST_CASE(
    "dumps wait for an observer that does not run, which is reported once, and then show the state of that time") {
    DumpRequestsBench bench;
    bench.running.erase(Kind::Observer);
    bench.dumps.add(10);
    bench.dumps.add(12);
    bench.dumps.ready(Kind::Vrrp);
    CHECK(bench.take().empty());
    CHECK(bench.log.texts == Texts{"the observer does not run just now: the dump is made when it does"});
    bench.running.insert(Kind::Observer);
    bench.dumps.ready(Kind::Observer);
    CHECK(bench.take() == Texts{"vrrp 10", "lvs 10"});
    bench.running = {Kind::Observer};
    bench.dumps.refreshed(Kind::Vrrp, 10);
    bench.dumps.gone(Kind::Lvs);
    CHECK(bench.dumps.ended({.pid = 101}));
    CHECK(bench.dumps.ended({.pid = 102}));
    bench.running.clear();
    bench.dumps.add(10);
    CHECK(bench.log.texts.size() == 2);  // once for each time that it is away
}

TEST_CASE("a dump whose observer dies before it is asked is begun again with the next one") {
    DumpRequestsBench bench;
    bench.dumps.add(10);
    bench.running.erase(Kind::Observer);
    bench.dumps.gone(Kind::Observer);
    bench.dumps.refreshed(Kind::Vrrp, 10);
    bench.dumps.refreshed(Kind::Lvs, 10);
    CHECK(bench.take() == Texts{"vrrp 10", "lvs 10"});
    CHECK_FALSE(bench.dumps.under_way());
    bench.running.insert(Kind::Observer);
    bench.dumps.ready(Kind::Observer);
    CHECK(bench.take() == Texts{"vrrp 10", "lvs 10"});
}

TEST_CASE("one whose observer dies while it writes is not made again: it might kill the next one, too") {
    DumpRequestsBench bench;
    bench.running = {Kind::Observer};
    bench.dumps.add(10);
    bench.dumps.gone(Kind::Observer);
    CHECK(bench.dumps.ended({.pid = 101}));
    bench.dumps.ready(Kind::Observer);
    CHECK(bench.take() == Texts{"write 10"});
}

TEST_CASE("an observer that sent the process of the files what it may not is an offender") {
    DumpRequestsBench bench;
    bench.running = {Kind::Observer};
    bench.dumps.add(10);
    CHECK(bench.dumps.ended({.pid = 101, .status = kDumpOffence}));
    bench.dumps.add(12);
    CHECK(bench.dumps.ended({.pid = 102, .signalled = true, .status = kDumpOffence}));
    CHECK(bench.take() == Texts{"write 10", "offended", "write 12"});
}

TEST_CASE("a role that dies before it has reported its state is not waited for") {
    DumpRequestsBench bench;
    bench.dumps.add(10);
    CHECK(bench.take() == Texts{"vrrp 10", "lvs 10"});
    bench.dumps.gone(Kind::Lvs);
    bench.dumps.gone(Kind::Bfd);
    CHECK(bench.take().empty());
    bench.dumps.gone(Kind::Vrrp);
    CHECK(bench.take() == Texts{"write 10"});
}

TEST_CASE("a role that does not answer keeps nobody from a dump") {
    DumpRequestsBench bench;
    bench.running = {Kind::Vrrp, Kind::Observer};
    bench.dumps.add(10);
    bench.loop.run_for(kFreshStateWait + std::chrono::milliseconds{200});
    CHECK(bench.take() == Texts{"vrrp 10", "write 10"});
    CHECK(bench.log.texts == Texts{"a dump is made without the latest state of the VRRP process, which has not "
                                   "answered for 5 s"});
    bench.dumps.refreshed(Kind::Vrrp, 10);  // too late
    CHECK(bench.take().empty());
}

TEST_CASE("after a dump whose files nobody can make the next one is tried") {
    DumpRequestsBench bench;
    bench.running = {Kind::Observer};
    bench.broken = true;
    bench.dumps.add(10);
    CHECK_FALSE(bench.dumps.under_way());
    bench.broken = false;
    bench.dumps.add(12);
    CHECK(bench.take() == Texts{"write 10", "write 12"});
}

TEST_CASE("an observer that rests is woken for a dump, which is then made, and nothing is logged") {
    DumpRequestsBench bench;
    bench.running = {Kind::Vrrp, Kind::Lvs};
    bench.rests = true;
    bench.dumps.add(12);
    CHECK(bench.take() == Texts{"wake"});
    bench.rests = false;
    bench.running.insert(Kind::Observer);
    bench.dumps.ready(Kind::Observer);
    CHECK(bench.take() == Texts{"vrrp 12"});
    CHECK(bench.log.texts.empty());
}
