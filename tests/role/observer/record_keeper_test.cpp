// Flight records that are saved by themselves: after what, when, and which files stay.
#include "role/observer/record_keeper.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <thread>

#include "../../kept_log.hpp"
#include "../role_process.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/record/format.hpp"
#include "mainstay/record/reader.hpp"
#include "mainstay/record/recorder.hpp"
#include "record_memory.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using mainstay::role::test::Folder;
using mainstay::role::test::memory_of;
using mainstay::test::KeptLog;
namespace fs = std::filesystem;

namespace {

constexpr WallTime kWall{1'795'381'800'000'000};  // 2026-11-22 21:10:00 UTC

WallTime later(std::int64_t seconds) { return {kWall.unix_us + seconds * 1'000'000}; }

Event event(Transition transition, const char* name = "VI_1", Event::Kind kind = Event::Kind::Instance) {
    return {.kind = kind, .name = name, .transition = transition};
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{folder}) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

const std::vector<std::byte> kBytes(100, std::byte{7});

struct RecordBench {
    Folder folder;
    boost::asio::io_context loop{1};
    KeptLog log;
    RecordKeeper keeper{loop, log};
    std::string history = folder / "history";

    void wait() {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (keeper.busy() && std::chrono::steady_clock::now() < until) {
            std::this_thread::yield();
            loop.restart();
            loop.poll();
        }
        REQUIRE_FALSE(keeper.busy());
    }
    void looks(Instant now, WallTime wall) {
        keeper.look(history, now, wall);
        wait();
    }
};

}  // namespace

TEST_CASE("an instance that becomes master or was it, and a quorum, are a change of hands; the rest is not") {
    HandOvers hand_overs;
    CHECK_FALSE(hand_overs.is_one(event(Transition::Backup)));
    CHECK(hand_overs.is_one(event(Transition::Master)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::Master)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::MasterPriority)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::LowerPriorityHeard)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::Fault, "VI_2")));
    CHECK(hand_overs.is_one(event(Transition::Fault)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::Backup)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::Master, "G", Event::Kind::Group)));
    CHECK_FALSE(hand_overs.is_one(event(Transition::Down, "[10.0.0.1]:tcp:80", Event::Kind::RealServer)));
    CHECK(hand_overs.is_one(event(Transition::Down, "[192.0.2.1]:tcp:80", Event::Kind::VirtualServer)));
    CHECK(hand_overs.is_one(event(Transition::Up, "[192.0.2.1]:tcp:80", Event::Kind::VirtualServer)));
}

TEST_CASE("a record is due two seconds after the first change, and at most every ten seconds") {
    const Instant start = Instant{} + 1000s;
    RecordSchedule schedule;
    CHECK_FALSE(schedule.is_due(start));
    schedule.changed(start);
    schedule.changed(start + 1900ms);  // does not put it off
    CHECK_FALSE(schedule.is_due(start + 1999ms));
    CHECK(schedule.is_due(start + 2s));
    schedule.saved(start + 2s);
    CHECK_FALSE(schedule.is_due(start + 100s));
    schedule.changed(start + 3s);
    CHECK_FALSE(schedule.is_due(start + 11'999ms));
    CHECK(schedule.is_due(start + 12s));
}

TEST_CASE("a record has the UTC time in its name, and what is named otherwise is none") {
    CHECK(record_name(kWall) == "record-20261122T211000Z.rec");
    CHECK(is_record_name(record_name(kWall)));
    for (const char* name : {"", "record-20261122T211000Z.rec.new", "record-2026112XT211000Z.rec",
                             "events-00000001.log", "Record-20261122T211000Z.rec", "record-20261122T211000Z.re"})
        CHECK_FALSE(is_record_name(name));
}

TEST_CASE("the eight newest records stay, and other files are not touched") {
    const Folder folder;
    const std::string history = folder / "history";
    fs::create_directories(history + "/record-20000101T000000Z.rec");  // a folder of such a name
    const std::vector<std::string> junk{"events-00000001.log", "record-1.rec", "record-20000101T000000Z.rec.bak",
                                        "record-20000102T000000Z.rec.other1x"};
    for (const auto& name : junk) std::ofstream{history + "/" + name} << "x";
    std::ofstream{history + "/record-20000102T000000Z.rec.k3x0a9"} << "of a process that died";
    fs::create_symlink("/etc/passwd", history + "/record-20000103T000000Z.rec");
    for (int at = 0; at < 11; ++at) {
        const auto kept = keep_record(history, kBytes, later(at * 60));
        REQUIRE(kept.has_value());
        CHECK(*kept == history + "/" + record_name(later(at * 60)));
    }
    std::vector<std::string> wanted = junk;
    wanted.insert(wanted.end(), {"record-20000101T000000Z.rec", "record-20000103T000000Z.rec"});
    for (int at = 3; at < 11; ++at) wanted.push_back(record_name(later(at * 60)));
    std::ranges::sort(wanted);
    CHECK(names_in(history) == wanted);
    struct stat facts{};
    REQUIRE(::stat((history + "/" + record_name(later(600))).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    CHECK(facts.st_size == 100);
}

TEST_CASE("a record that was written after the clock went back is not the one that goes") {
    const Folder folder;
    for (int at = 0; at < 8; ++at) REQUIRE(keep_record(folder / "history", kBytes, later(at)).has_value());
    REQUIRE(keep_record(folder / "history", kBytes, later(-3600)).has_value());
    const auto names = names_in(folder / "history");
    CHECK(names.size() == kRecordFilesMax);
    CHECK(names.front() == record_name(later(-3600)));
    CHECK(names[1] == record_name(later(1)));
}

TEST_CASE("a change of hands leaves one file for a burst, of the newest memory of each machine") {
    RecordBench b;
    const Instant start = Instant{} + 1000s;
    b.keeper.memory(memory_of(record::Machine::Router, 1));  // as before an upgrade
    b.keeper.memory(memory_of(record::Machine::Judge, 2));
    b.keeper.memory(memory_of(record::Machine::Router, 3));
    b.keeper.take({event(Transition::Backup)}, start);
    b.looks(start + 5s, later(5));
    CHECK_FALSE(fs::exists(b.history));
    b.keeper.take({event(Transition::Master), event(Transition::Master, "VI_2")}, start + 10s);
    b.looks(start + 11s, later(11));
    CHECK_FALSE(fs::exists(b.history));
    b.looks(start + 12s, later(12));
    b.looks(start + 30s, later(30));
    REQUIRE(names_in(b.history) == std::vector<std::string>{"record-20261122T211012Z.rec"});
    std::ifstream in{b.history + "/record-20261122T211012Z.rec", std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto read = record::read_record(std::as_bytes(std::span{text}));
    REQUIRE(read.has_value());
    REQUIRE(read->segments.size() == 1);
    CHECK(read->segments[0].number == 3);
    REQUIRE(read->judge_segments.size() == 1);
    CHECK(read->judge_segments[0].number == 2);
    CHECK(b.log.texts ==
          std::vector{"flight record of what changed hands: " + b.history + "/record-20261122T211012Z.rec"});
}

TEST_CASE("a memory of no machine that is known, or without the mark of one, is left out of the record") {
    RecordBench b;
    b.keeper.memory(memory_of(record::Machine::Router, 1));
    b.keeper.memory(memory_of(record::Machine{record::kMachines}, 2));
    b.keeper.memory(memory_of(record::Machine{200}, 3));
    auto unmarked = memory_of(record::Machine::Router, 4);
    ipc::MappedRecord::map(unmarked.get(), true).value().bytes()[0] ^= std::byte{1};
    b.keeper.memory(unmarked);
    b.keeper.take({event(Transition::Master)}, Instant{} + 1s);
    b.keeper.finish(b.history, kWall);
    b.wait();
    REQUIRE(names_in(b.history).size() == 1);
    std::ifstream in{b.history + "/record-20261122T211000Z.rec", std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto read = record::read_record(std::as_bytes(std::span{text}));
    REQUIRE(read.has_value());
    REQUIRE(read->segments.size() == 1);
    CHECK(read->segments[0].number == 1);
}

TEST_CASE("of more memories than two of each machine the oldest are given up") {
    constexpr int kMost = 2 * static_cast<int>(record::kMachines);
    for (const int more : {kMost - 1, kMost}) {
        RecordBench b;
        b.keeper.memory(memory_of(record::Machine::Judge, 1));
        for (int n = 0; n < more; ++n) b.keeper.memory(memory_of(record::Machine::Router, 2));
        b.keeper.take({event(Transition::Master)}, Instant{} + 1s);
        b.keeper.finish(b.history, kWall);
        b.wait();
        std::ifstream in{b.history + "/record-20261122T211000Z.rec", std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        const auto read = record::read_record(std::as_bytes(std::span{text}));
        REQUIRE(read.has_value());
        CHECK(read->judge_segments.size() == (more < kMost ? 1 : 0));
        CHECK(read->segments.size() == 1);
    }
}

TEST_CASE("while a record is being written no other one is begun") {
    RecordBench b;
    b.keeper.memory(memory_of(record::Machine::Router, 1));
    b.keeper.take({event(Transition::Master)}, Instant{} + 1s);
    b.keeper.look(b.history, Instant{} + 3s, later(3));
    REQUIRE(b.keeper.busy());
    b.keeper.take({event(Transition::Backup)}, Instant{} + 4s);
    b.keeper.look(b.history, Instant{} + 100s, later(100));
    b.keeper.finish(b.history, later(101));
    b.wait();
    CHECK(names_in(b.history) == std::vector<std::string>{"record-20261122T211003Z.rec"});
    b.keeper.finish(b.history, later(102));  // what changed meanwhile still waits
    b.wait();
    CHECK(names_in(b.history).size() == 2);
}

TEST_CASE("a folder is made for root alone, a link instead of it is refused, and a second has one record") {
    RecordBench b;
    fs::create_directory(b.folder / "elsewhere");
    fs::create_directory_symlink(b.folder / "elsewhere", b.history);
    CHECK_FALSE(keep_record(b.history, kBytes, kWall).has_value());
    CHECK(names_in(b.folder / "elsewhere").empty());
    fs::remove(b.history);
    REQUIRE(keep_record(b.history, kBytes, kWall).has_value());
    CHECK((static_cast<unsigned>(fs::status(b.history).permissions()) & 07777) == 0700);
    REQUIRE(keep_record(b.history, kBytes, kWall).has_value());  // in the same second: the file is replaced
    CHECK(names_in(b.history) == std::vector<std::string>{"record-20261122T211000Z.rec"});
}

TEST_CASE("what happens shortly before the stop is saved at once, and without a recorder nothing is") {
    RecordBench b;
    b.keeper.take({event(Transition::Master)}, Instant{} + 1s);
    b.keeper.finish(b.history, kWall);
    b.wait();
    CHECK_FALSE(fs::exists(b.history));
    b.keeper.memory(memory_of(record::Machine::Router, 1));
    b.keeper.take({event(Transition::Stop)}, Instant{} + 2s);
    b.keeper.finish(b.history, kWall);
    b.wait();
    CHECK(names_in(b.history).size() == 1);
    b.keeper.finish(b.history, later(1));
    b.wait();
    CHECK(names_in(b.history).size() == 1);
}

TEST_CASE("who was master is known from the history") {
    RecordBench b;
    b.keeper.memory(memory_of(record::Machine::Router, 1));
    b.keeper.recall(event(Transition::Master));
    b.looks(Instant{} + 100s, kWall);
    CHECK_FALSE(fs::exists(b.history));
    b.keeper.take({event(Transition::Backup)}, Instant{} + 100s);
    b.looks(Instant{} + 102s, kWall);
    CHECK(names_in(b.history).size() == 1);
}

TEST_CASE("a place that cannot be written is reported once until it works again") {
    RecordBench b;
    b.keeper.memory(memory_of(record::Machine::Router, 1));
    std::ofstream{b.history} << "a file, not a folder";
    const auto changes = [&b](int at) {
        b.keeper.take({event(Transition::Up, "VS", Event::Kind::VirtualServer)}, Instant{} + at * 1s);
        b.looks(Instant{} + (at + 10) * 1s, later(at));
    };
    changes(100);
    changes(200);
    CHECK(b.log.texts == std::vector<std::string>{
                             "no flight record was saved after something changed hands: open folder " + b.history +
                             ": Not a directory; make room there or repair it, meanwhile `mainstayctl record save` "
                             "writes it to another place"});
    fs::remove(b.history);
    changes(300);
    CHECK(b.log.texts.size() == 2);
    fs::remove_all(b.history);
    std::ofstream{b.history} << "again";
    changes(400);
    CHECK(b.log.texts.size() == 3);
}
