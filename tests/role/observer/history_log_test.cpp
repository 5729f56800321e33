// The history on disk: what was there before a restart is there again, and no disk stops the observer.
#include "role/observer/history_log.hpp"
#include "../../kept_log.hpp"
#include "../../temporary_folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

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
    after.happens(4);
    CHECK(after.disk.problem() == "");
    CHECK(fs::exists(segment(folder, 5)));
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
