// The history on disk: what was there before a restart is there again, and no disk stops the observer.
#include "../../kept_log.hpp"
#include "../../temporary_folder.hpp"
#include "role/observer/history.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include <filesystem>
#include <fstream>

#include "mainstay/ipc/history_file.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::test::KeptLog;
using mainstay::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

// One run of the observer.
struct Run {
    explicit Run(const TemporaryFolder& folder, std::size_t segment_bytes_max = kHistorySegmentBytesMax)
        : disk{log, segment_bytes_max} {
        disk.open(folder.path + "/history", history);
    }
    void happens(std::int64_t unix_us, std::uint64_t number = 1) {
        history.append("vrrp", {{.name = "VI_1", .at = {unix_us}, .number = number}});
        disk.write(history);
        disk.sync();
    }
    KeptLog log;
    History history{[] {}};
    HistoryLog disk;
};

std::string segment(const TemporaryFolder& folder, int number) {
    return folder.path + "/history/events-0000000" + std::to_string(number) + ".log";
}

}  // namespace

TEST_CASE("a restart finds the events of before, and numbers go on ascending though the clock went back") {
    const TemporaryFolder folder;
    {
        Run before{folder};
        before.happens(1'000);
        before.happens(2'000, 2);
    }
    Run after{folder};
    CHECK(after.history.first_id() == 1'000);
    CHECK(after.history.last_id() == 2'000);
    after.happens(500, 9);
    CHECK(after.history.last_id() == 2'001);
    CHECK(Run{folder}.history.after(0, 10).size() == 3);
    CHECK(after.log.texts.empty());
    struct stat info{};
    REQUIRE(::stat(segment(folder, 1).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("an event that is read from the ring twice around a crash is there once") {
    const TemporaryFolder folder;
    Run{folder}.happens(1'000, 4);
    Run after{folder};
    after.happens(1'000, 4);
    CHECK(after.history.after(0, 10).size() == 1);
    after.happens(1'000, 5);
    CHECK(after.history.after(0, 10).size() == 2);
}

TEST_CASE("the folder is bounded: the oldest segment goes") {
    const TemporaryFolder folder;
    Run run{folder, 100};
    for (int i = 1; i <= 9; ++i) run.happens(i);
    CHECK_FALSE(fs::exists(segment(folder, 6)));
    CHECK(fs::exists(segment(folder, 9)));
    const Run after{folder, 100};
    CHECK(after.history.after(0, 10).size() == kHistorySegmentsMax);
    CHECK(after.history.last_id() == 9);
}

TEST_CASE("a damaged, a foreign and an odd file are reported, and the rest is used") {
    const TemporaryFolder folder;
    {
        Run before{folder, 100};
        for (int i = 1; i <= 3; ++i) before.happens(i);
    }
    fs::resize_file(segment(folder, 1), 40);
    std::ofstream{segment(folder, 2)} << "something else altogether";
    fs::create_directory(segment(folder, 4));

    Run after{folder, 100};

    CHECK(after.history.after(0, 10).size() == 1);
    REQUIRE(after.log.texts.size() == 3);
    CHECK(after.log.texts[0].ends_with("events-00000001.log: it is damaged in 1 place; 0 events of it are used"));
    CHECK(after.log.texts[1].ends_with("events-00000002.log: it is not a file of events"));
    CHECK(after.log.texts[2].ends_with("events-00000004.log is not used: it is not a regular file"));
    REQUIRE(after.history.gaps().size() == 3);
    const auto file = folder.path + "/history/events-0000000";
    CHECK(after.history.gaps()[0] ==
          HistoryGap{{}, {3}, file + "1.log: it is damaged in 1 place; 0 events of it are used"});
    CHECK(after.history.gaps()[1] == HistoryGap{{}, {3}, file + "2.log: it is not a file of events"});
    CHECK(after.history.gaps()[2] == HistoryGap{{3}, {}, file + "4.log is not used: it is not a regular file"});
    after.happens(4);
    CHECK(after.disk.problem() == "");
    CHECK(fs::exists(segment(folder, 5)));
}

TEST_CASE("of the gaps of a history the last ones are kept") {
    History history{[] {}};
    for (int n = 0; n < 40; ++n) history.add_gap({{}, {}, std::to_string(n)});
    CHECK(history.gaps().size() == kHistoryGapsMax);
    CHECK(history.gaps().front().why == "8");
    CHECK(history.gaps().back().why == "39");
}

TEST_CASE("what only has a segment's name neither counts to those that are kept nor is removed") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path + "/history");
    for (const int junk : {1, 2}) std::ofstream{segment(folder, junk)} << "not a segment of the history";
    fs::create_directory(segment(folder, 3));
    Run run{folder, 1};
    for (int i = 1; i <= 5; ++i) run.happens(i);

    for (const int junk : {1, 2, 3}) CHECK(fs::exists(segment(folder, junk)));
    CHECK_FALSE(fs::exists(segment(folder, 5)));
    for (const int kept : {6, 7, 8}) CHECK(fs::exists(segment(folder, kept)));
    CHECK(Run{folder}.history.after(0, 10).size() == 3);
}

TEST_CASE("while there is no folder events stay in memory, which is reported once, and are written when there is one") {
    const TemporaryFolder folder;
    KeptLog log;
    History history{[] {}};
    HistoryLog disk{log};
    const std::string path = folder.path + "/later/history";
    disk.open(path, history);
    history.append("vrrp", {{.name = "VI_1", .at = {1'000}}});
    disk.write(history);
    disk.open(path, history);
    CHECK(history.last_id() == 1'000);
    REQUIRE(log.texts.size() == 1);
    CHECK(log.texts[0].find("events are kept in memory only") != std::string::npos);

    fs::create_directory(folder.path + "/later");
    disk.open(path, history);

    CHECK(disk.problem() == "");
    CHECK(log.texts.size() == 2);
    History again{[] {}};
    HistoryLog reader{log};
    reader.open(path, again);
    CHECK(again.last_id() == 1'000);
}

TEST_CASE("a disk that takes nothing is reported once") {
    const TemporaryFolder folder;
    Run{folder}.happens(1);
    fs::remove(segment(folder, 1));
    Run run{folder};
    fs::remove_all(folder.path + "/history");  // the next segment cannot be made
    run.happens(2);
    run.happens(3);
    CHECK(run.history.last_id() == 3);
    CHECK(run.disk.problem() != "");
    CHECK(run.log.texts.size() == 1);
}

namespace {

std::size_t size_of(const std::string& file) { return static_cast<std::size_t>(fs::file_size(file)); }

// The bytes of a record as happens() makes it.
std::size_t record_bytes(std::int64_t unix_us) {
    return ipc::history_record({.id = static_cast<std::uint64_t>(unix_us),
                                .source = "vrrp",
                                .event = {.name = "VI_1", .at = {unix_us}, .number = 1}})
        .size();
}

// Files of this process may not be longer than this, as on a disk that is full.
struct FullDisk {
    explicit FullDisk(std::size_t bytes) : signal{std::signal(SIGXFSZ, SIG_IGN)} {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
        const rlimit less{bytes, before.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &less) == 0);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before);
        static_cast<void>(std::signal(SIGXFSZ, signal));
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    void (*signal)(int);
    rlimit before{};
};

}  // namespace

TEST_CASE("the folder is root's alone, a link instead of it is refused, and so is a link instead of a segment") {
    const TemporaryFolder folder;
    Run{folder}.happens(1'000);
    struct stat info{};
    REQUIRE(::stat((folder.path + "/history").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);

    fs::rename(folder.path + "/history", folder.path + "/elsewhere");
    fs::create_directory_symlink(folder.path + "/elsewhere", folder.path + "/history");
    const Run linked{folder};
    CHECK_FALSE(linked.disk.is_open());
    CHECK(linked.history.last_id() == 0);

    fs::remove(folder.path + "/history");
    fs::create_directory(folder.path + "/history");
    fs::create_symlink(folder.path + "/elsewhere/events-00000001.log", segment(folder, 1));
    Run run{folder};
    CHECK(run.history.last_id() == 0);
    run.happens(2'000);
    CHECK(fs::is_symlink(segment(folder, 1)));
    CHECK(size_of(segment(folder, 2)) == ipc::history_header().size() + record_bytes(2'000));
}

TEST_CASE("only files that are named as a segment are read, with or without more digits than eight") {
    const TemporaryFolder folder;
    Run{folder}.happens(1'000);
    const std::string history = folder.path + "/history/";
    for (const char* name : {"events-1.log", "events-000000001.log", "events-0000000x.log", "events-00000002.log.bak",
                             "events-00000002", "xevents-00000002.log", "events-.log", "events--0000002.log"})
        fs::copy_file(segment(folder, 1), history + name);
    fs::rename(segment(folder, 1), history + "events-100000000.log");
    Run run{folder};
    CHECK(run.log.texts.empty());
    CHECK(run.history.after(0, 10).size() == 1);
    run.happens(2'000);
    CHECK(size_of(history + "events-100000000.log") ==
          ipc::history_header().size() + record_bytes(1'000) + record_bytes(2'000));
}

TEST_CASE("what is on disk is not written again, neither after a restart nor by another write") {
    const TemporaryFolder folder;
    {
        Run run{folder};
        run.happens(1'000);
        run.disk.write(run.history);
    }
    const auto once = ipc::history_header().size() + record_bytes(1'000);
    CHECK(size_of(segment(folder, 1)) == once);
    Run after{folder};
    after.disk.write(after.history);
    CHECK(size_of(segment(folder, 1)) == once);
    after.happens(2'000);
    CHECK(size_of(segment(folder, 1)) == once + record_bytes(2'000));
    CHECK_FALSE(fs::exists(segment(folder, 2)));
    after.disk.open(folder.path + "/other", after.history);  // it is open already
    CHECK_FALSE(fs::exists(folder.path + "/other"));
}

TEST_CASE("a burst of more events than are written at once is on disk as a whole, in its order") {
    const TemporaryFolder folder;
    {
        Run run{folder};
        std::vector<Event> burst;
        for (std::int64_t at = 1; at <= 1'200; ++at) burst.push_back({.name = "VI_1", .at = {at}});
        run.history.append("vrrp", burst);
        run.disk.write(run.history);
    }
    const Run after{folder};
    const auto all = after.history.after(0, 2'000);
    REQUIRE(all.size() == 1'200);
    CHECK(all[511].id == 512);
    CHECK(all[512].id == 513);
    CHECK(all.back().id == 1'200);
    CHECK_FALSE(fs::exists(segment(folder, 2)));
}

TEST_CASE("a segment that has its bytes is followed by another, also after a restart") {
    const TemporaryFolder folder;
    const std::size_t full = ipc::history_header().size() + 2 * record_bytes(1'000);
    {
        Run run{folder, full};
        for (const int at : {1'000, 1'001}) run.happens(at);
        CHECK_FALSE(fs::exists(segment(folder, 2)));
        run.happens(1'002);
        CHECK(size_of(segment(folder, 1)) == full);
        run.happens(1'003);
    }
    {
        Run run{folder, full};
        run.happens(1'004);
        CHECK(size_of(segment(folder, 2)) == full);
    }
    Run run{folder, full};
    run.happens(1'005);
    CHECK_FALSE(fs::exists(segment(folder, 4)));
    CHECK(size_of(segment(folder, 3)) == full);
    CHECK(Run{folder, full}.history.after(0, 10).size() == 6);
}

TEST_CASE("a segment that is there twice gives each event once, and a damaged one is appended to") {
    const TemporaryFolder folder;
    {
        Run run{folder};
        for (const int at : {1'000, 1'001}) run.happens(at);
    }
    fs::copy_file(segment(folder, 1), segment(folder, 2));
    fs::resize_file(segment(folder, 2), size_of(segment(folder, 2)) - 3);
    Run run{folder};
    CHECK(run.history.after(0, 10).size() == 2);
    CHECK(run.log.texts.size() == 1);
    run.happens(1'002);
    CHECK_FALSE(fs::exists(segment(folder, 3)));
    CHECK(Run{folder}.history.last_id() == 1'002);
}

TEST_CASE("a segment of another version is left alone, and the next number is taken") {
    const TemporaryFolder folder;
    Run{folder}.happens(1'000);
    std::ofstream{segment(folder, 2)} << "something else";
    Run run{folder};
    run.happens(1'001);
    CHECK(size_of(segment(folder, 2)) == 14);
    CHECK(size_of(segment(folder, 3)) == ipc::history_header().size() + record_bytes(1'001));
}

TEST_CASE("a number that somebody else takes meanwhile is passed over") {
    const TemporaryFolder folder;
    Run run{folder};
    std::ofstream{segment(folder, 1)} << "of somebody else";
    run.happens(1'000);
    CHECK(run.disk.problem() == "create " + folder.path + "/history/events-00000001.log: File exists");
    REQUIRE(run.log.texts.size() == 1);
    CHECK(run.log.texts[0] ==
          "event history: " + run.disk.problem() + "; events are kept in memory only, at most 10000");
    CHECK(run.log.levels[0] == LogLevel::Error);
    run.happens(1'001);
    CHECK(run.disk.problem() == "");
    CHECK(run.log.texts.back() == "event history: " + folder.path + "/history can be written again");
    CHECK(size_of(segment(folder, 2)) == ipc::history_header().size() + 2 * record_bytes(1'000));
    CHECK(size_of(segment(folder, 1)) == 16);
}

TEST_CASE("of a write that a full disk takes in part nothing stays, and the events are written when there is room") {
    const TemporaryFolder folder;
    Run run{folder};
    run.happens(1'000);
    const auto before = size_of(segment(folder, 1));
    {
        const FullDisk full{before + 5};
        run.happens(1'001);
        run.happens(1'002);
        CHECK(size_of(segment(folder, 1)) == before);
        CHECK(run.log.texts.size() == 1);
        CHECK(run.disk.problem().starts_with("write " + folder.path + "/history/events-00000001.log: "));
    }
    run.disk.write(run.history);
    CHECK(run.disk.problem() == "");
    CHECK(size_of(segment(folder, 1)) == before + record_bytes(1'001) + record_bytes(1'002));
    const Run after{folder};
    CHECK(after.log.texts.empty());
    CHECK(after.history.after(0, 10).size() == 3);
}

TEST_CASE("a segment whose beginning does not fit on the disk is not left there") {
    const TemporaryFolder folder;
    Run run{folder};
    {
        const FullDisk full{ipc::history_header().size() - 1};
        run.happens(1'000);
        CHECK(fs::is_empty(folder.path + "/history"));
        CHECK_FALSE(run.disk.problem().empty());
    }
    run.happens(1'001);
    CHECK(size_of(segment(folder, 1)) == ipc::history_header().size() + 2 * record_bytes(1'000));
}
