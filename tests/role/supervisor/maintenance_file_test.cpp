#include "role/supervisor/kept_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

using namespace mainstay;
using namespace mainstay::role;

namespace {

struct MaintenanceFolder {
    MaintenanceFolder() {
        std::string pattern = "/tmp/mainstay-maintenance.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        root = pattern;
        path = root + "/state";
    }
    MaintenanceFolder(const MaintenanceFolder&) = delete;
    MaintenanceFolder& operator=(const MaintenanceFolder&) = delete;
    ~MaintenanceFolder() { std::filesystem::remove_all(root); }
    [[nodiscard]] std::string file() const { return path + "/maintenance"; }
    std::string root, path;
};

constexpr WallTime kNow{1'000'000'000}, kLater{2'000'000'000};
constexpr std::int64_t kHour_us = 3'600'000'000;

ipc::MaintenanceOrder order() {
    return {.on = true, .since = kNow, .until = kLater, .by = "alice", .reason = "kernel", .request = 5, .note = "n"};
}

}  // namespace

TEST_CASE("maintenance is found again after a restart, and is over when its time is over or it was ended") {
    const MaintenanceFolder folder;
    MaintenanceFile first;
    REQUIRE(first.load(folder.path, kNow));
    CHECK_FALSE(first.order().on);
    REQUIRE(first.set(order()));
    CHECK_FALSE(first.is_over(kNow));
    CHECK_FALSE(first.is_over(WallTime{kLater.unix_us - 1}));
    CHECK(first.is_over(kLater));

    MaintenanceFile second;
    REQUIRE(second.load(folder.path, kNow));
    auto expected = order();
    expected.request = 0;  // nobody waits for it after a restart
    expected.note.clear();
    CHECK(second.order() == expected);

    MaintenanceFile third;
    REQUIRE(third.load(folder.path, kLater));
    CHECK_FALSE(third.order().on);
    CHECK_FALSE(std::filesystem::exists(folder.file()));

    REQUIRE(second.set(order()));
    REQUIRE(second.set({}));
    CHECK_FALSE(std::filesystem::exists(folder.file()));
    REQUIRE(second.set({}));  // it is gone already
}

TEST_CASE("a file that others may write, a link, or damaged bytes are not believed") {
    const MaintenanceFolder folder;
    MaintenanceFile file;
    REQUIRE(file.load(folder.path, kNow));
    REQUIRE(file.set(order()));
    struct stat facts{};
    REQUIRE(::stat(folder.file().c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0644);

    REQUIRE(::chmod(folder.file().c_str(), 0666) == 0);
    CHECK(file.load(folder.path, kNow).error().code() == Errc::Permission);
    CHECK_FALSE(file.order().on);
    REQUIRE(::chmod(folder.file().c_str(), 0644) == 0);
    for (const std::uintmax_t size : {20, 0}) {
        std::filesystem::resize_file(folder.file(), size);
        CHECK(file.load(folder.path, kNow).error().code() == Errc::Invalid);
    }
    REQUIRE(::unlink(folder.file().c_str()) == 0);
    REQUIRE(::symlink("/etc/hostname", folder.file().c_str()) == 0);
    CHECK_FALSE(file.load(folder.path, kNow));
}

TEST_CASE("maintenance without an end is never over, and a reason from another program's file becomes one line") {
    const MaintenanceFolder folder;
    MaintenanceFile first, second;
    REQUIRE(first.load(folder.path, kNow));
    auto endless = order();
    endless.until.reset();
    endless.reason = "new\nkernel";
    REQUIRE(first.set(endless));
    CHECK_FALSE(first.is_over(WallTime{INT64_MAX}));
    REQUIRE(second.load(folder.path, kNow));
    CHECK(second.order().on);
    CHECK(second.order().reason == "new kernel");
    CHECK_FALSE(second.is_over(WallTime{INT64_MAX}));
    REQUIRE(second.set({}));
    CHECK_FALSE(second.is_over(WallTime{INT64_MAX}));
}

TEST_CASE("a folder or a pipe in the place of the file is not believed, nor waited for") {
    const MaintenanceFolder folder;
    MaintenanceFile file;
    std::filesystem::create_directories(folder.file());
    CHECK(file.load(folder.path, kNow).error().code() == Errc::Permission);
    CHECK_FALSE(file.set({}));  // it cannot be removed as a file
    REQUIRE(::rmdir(folder.file().c_str()) == 0);
    REQUIRE(::mkfifo(folder.file().c_str(), 0600) == 0);
    CHECK(file.load(folder.path, kNow).error().code() == Errc::Permission);
    CHECK_FALSE(file.order().on);
}

TEST_CASE("maintenance is on even if it cannot be written") {
    MaintenanceFile file;
    REQUIRE(file.load("/proc/no-such-folder", kNow));
    CHECK_FALSE(file.set(order()));
    CHECK(file.order().on);
}

TEST_CASE("what an operator wrote becomes one line of bounded length, and times are UTC") {
    CHECK(one_line("a\nb\x1b[1m\x7f") == "a b [1m ");
    CHECK(one_line("abcdef", 3) == "abc");
    CHECK(one_line("\x1f ~\x7f\u0080") == "  ~ \u0080");
    CHECK(one_line("abc", 3) == "abc");
    CHECK(one_line("abc", 0).empty());
    CHECK(one_line("aü", 3) == "aü");
    CHECK(one_line("aü", 2) == "a");
    CHECK(one_line("a€", 3) == "a");
    CHECK(one_line(std::string(200, 'x')).size() == 200);
    CHECK(one_line("\xbf\xbf", 1).empty());  // bytes that go on with a character that never began
    CHECK(one_line(std::string(500, 'x')).size() == 200);
    CHECK(utc_text(WallTime{1'795'163'866'000'000}) == "2026-11-20 08:37:46 UTC");
}

TEST_CASE("the time of maintenance goes on where the clock is set, by hours or by a little") {
    const MaintenanceFolder folder;
    MaintenanceFile file;
    REQUIRE(file.load(folder.path, kNow));
    const Instant start{std::chrono::seconds{5000}};
    const auto look = [&](int second, std::int64_t set_us) {
        return file.follow_clock(start + std::chrono::seconds{second},
                                 WallTime{kNow.unix_us + second * std::int64_t{1'000'000} + set_us});
    };
    CHECK_FALSE(look(0, 0));
    CHECK_FALSE(look(1, 2 * kHour_us));  // there is no order
    REQUIRE(file.set(order()));
    CHECK_FALSE(look(2, 2 * kHour_us));
    CHECK_FALSE(look(3, 2 * kHour_us + 1'999'999));  // the clock is slewed
    CHECK(file.order().until == kLater);
    CHECK(look(4, kHour_us));
    CHECK(file.order().until == WallTime{kLater.unix_us - kHour_us - 1'999'999});
    CHECK_FALSE(look(5, kHour_us));
    CHECK(look(6, 3 * kHour_us));
    CHECK(file.order().until == WallTime{kLater.unix_us + kHour_us - 1'999'999});
    MaintenanceFile found;
    REQUIRE(found.load(folder.path, kNow));
    CHECK_FALSE(found.follow_clock(start, kNow));
    CHECK_FALSE(found.follow_clock(start, kLater));  // as a host that boots sets its clock
    CHECK(found.order().until == kLater);
    auto endless = order();
    endless.until.reset();
    REQUIRE(file.set(endless));
    CHECK_FALSE(look(7, 0));
    CHECK_FALSE(look(8, kHour_us));
}
