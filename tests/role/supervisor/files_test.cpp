// Files that the supervisor keeps: its pid file, copies of the configuration; and the scripts that it may run.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>

#include "../../kernel/in_child.hpp"
#include "../../needs.hpp"
#include "../../sleeper.hpp"
#include "../../temporary_folder.hpp"
#include "../common/own_name.hpp"
#include "role/supervisor/limits.hpp"
#include "role/supervisor/pid_file.hpp"
#include "role/supervisor/reader_process.hpp"
#include "role/supervisor/script_guard.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Texts = std::vector<std::string>;
using mainstay::test::in_child;
using mainstay::test::TemporaryFolder;

namespace {

const std::string kNameIt =
    " (a further daemon needs a pid file or a name of its own: -p FILE, or instance NAME outside of all blocks)";

unsigned mode_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
}

constexpr std::uint64_t kGigabyte = 1ULL << 30;

}  // namespace

TEST_CASE("a pid file has the number of its process, is locked while that lives, and goes with it") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid"), own = std::to_string(::getpid()) + "\n";
    {
        auto claimed = PidFile::claim(path, own_name());
        REQUIRE(claimed);
        CHECK(folder.text("x.pid") == own);
        CHECK(claimed->path() == path);
        CHECK(mode_of(path) == 0644);
        const auto again = PidFile::claim(path, own_name());
        REQUIRE_FALSE(again);
        CHECK(again.error().code() == Errc::Exists);
        CHECK(again.error().text() == "daemon is already running: " + path + " is locked by another process" + kNameIt);
        CHECK(folder.text("x.pid") == own);
    }
    CHECK(folder.names().empty());
}

TEST_CASE("a pid file that nobody has locked is taken over, whatever it says, unless its process is the daemon") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid");
    const int parent = ::getppid();
    const auto claimed_by_child = [&](const std::string& text, const std::string& program) {
        std::ofstream{path} << text;
        return in_child([&] {
            auto file = PidFile::claim(path, program);
            return file.has_value() && folder.text("x.pid") == std::to_string(::getpid()) + "\n";
        });
    };
    CHECK(claimed_by_child("", own_name()));
    CHECK(claimed_by_child("garbage that is longer than any number of a process\n", own_name()));
    CHECK(claimed_by_child(std::to_string(kNobody), own_name()));
    const std::string number = std::to_string(::getpid());
    CHECK(claimed_by_child(number + "\n", "another program"));
    std::ofstream{path} << number << "\n";
    CHECK(in_child([&] {
        const auto file = PidFile::claim(path, own_name());
        return !file && file.error().code() == Errc::Exists &&
               file.error().text() == "daemon is already running: process " + number + " of " + path + kNameIt &&
               folder.text("x.pid") == number + "\n";
    }));
    auto own = PidFile::claim(path, own_name());  // as after an exec of the same process
    CHECK(own.has_value());
    CHECK(parent == ::getppid());
}

TEST_CASE("the pid file of a keepalived that runs is left to it") {  // keepalived does not lock it
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid");
    const std::string mine = own_name();
    ::prctl(PR_SET_NAME, "keepalived");
    const int peer = mainstay::test::sleeper();  // under that name
    ::prctl(PR_SET_NAME, mine.c_str());
    std::ofstream{path} << peer << "\n";
    const auto refused = PidFile::claim(path, "mainstayd");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::Exists);
    CHECK(refused.error().text() == "pid file " + path + " is that of process " + std::to_string(peer) +
                                        " (keepalived), which runs: name another pid file");
    CHECK(folder.text("x.pid") == std::to_string(peer) + "\n");
    ::kill(peer, SIGKILL);
    ::waitpid(peer, nullptr, 0);
    CHECK(PidFile::claim(path, "mainstayd"));
}

TEST_CASE("a pid file that another daemon has written meanwhile stays when the first one ends") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid");
    auto first = PidFile::claim(path, "mainstayd");
    REQUIRE(first);
    std::filesystem::remove(path);  // by who stops the first one, and starts another at once
    std::ofstream{path} << kNobody << "\n";
    first->remove();
    CHECK(folder.text("x.pid") == std::to_string(kNobody) + "\n");
    CHECK(pid_in(path) == kNobody);
    CHECK(pid_in(folder.at("none")) == 0);
}

TEST_CASE("a child's pid file is removed unless a living process of that name is in it") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid"), own = std::to_string(::getpid());
    const auto stays = [&](const std::string& text, const std::string& program) {
        std::ofstream{path} << text;
        return in_child([&] { return remove_stale_pid_file(path, program), std::filesystem::exists(path); });
    };
    CHECK(stays(own + "\n", own_name()));
    CHECK_FALSE(stays(own + "\n", "another program"));
    CHECK_FALSE(stays(std::to_string(kNobody), own_name()));
    CHECK_FALSE(stays("", own_name()));
    remove_stale_pid_file(path, own_name());  // there is none
    std::ofstream{folder.at("target")} << "untouched";
    std::filesystem::create_symlink(folder.at("target"), path);
    remove_stale_pid_file(path, own_name());
    CHECK(folder.text("target") == "untouched");
}

TEST_CASE("a daemon that has ended, and that nobody has reaped, does not run already") {
    const TemporaryFolder folder;
    const int zombie = ::fork();
    if (zombie == 0) ::_exit(0);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(zombie), &ended, WEXITED | WNOWAIT) == 0);
    std::ofstream{folder.at("x.pid")} << zombie << "\n";

    const auto file = PidFile::claim(folder.at("x.pid"), own_name());

    CHECK(file.has_value());
    CHECK(folder.text("x.pid") == std::to_string(::getpid()) + "\n");
    ::waitpid(zombie, nullptr, 0);
}

TEST_CASE("what is no file of its own at a pid file's place is left as it is, and named") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid");
    const auto problem = [&] {
        const auto claimed = PidFile::claim(path, "x");
        REQUIRE_FALSE(claimed);
        CHECK(claimed.error().code() != Errc::Exists);  // which would mean that the daemon runs
        CHECK(free_for_pid_file(path).error().text() == claimed.error().text());
        return claimed.error().text();
    };
    const auto missing = PidFile::claim(folder.at("no/x.pid"), "x");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().text() == "open pid file " + folder.at("no/x.pid") + ": No such file or directory");
    CHECK(free_for_pid_file(path));

    const std::string ending = ", and no file of its own: remove it, or name another pid file";
    folder.write("target", "untouched");
    std::filesystem::create_symlink(folder.at("target"), path);
    CHECK(problem() == "pid file " + path + " is a symbolic link" + ending);
    remove_stale_pid_file(path, "x");
    CHECK(std::filesystem::is_symlink(path));
    std::filesystem::remove(path);
    std::filesystem::create_hard_link(folder.at("target"), path);
    CHECK(problem() == "pid file " + path + " is another name of a file" + ending);
    std::filesystem::remove(path);
    CHECK(folder.text("target") == "untouched");

    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(problem() == "pid file " + path + " is a FIFO" + ending);
    const UniqueFd read_by_somebody{::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    CHECK(problem() == "pid file " + path + " is a FIFO" + ending);
    remove_stale_pid_file(path, "x");
    CHECK(std::filesystem::is_fifo(path));
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK(problem() == "pid file " + path + " is a folder" + ending);
    std::filesystem::remove(path);
    CHECK(folder.names() == std::vector<std::string>{"target"});
}

TEST_CASE("a pid file that another program has locked is named with the program, and stays as it is") {
    const TemporaryFolder folder;
    const std::string path = folder.at("x.pid");
    folder.write("x.pid", "something\n");
    const UniqueFd file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    const auto told = [&](const std::string& program) {
        return in_child([&] {
            const auto claimed = PidFile::claim(path, program);
            return !claimed &&
                   claimed.error().text() == "pid file " + path + " is locked by process " +
                                                 std::to_string(::getppid()) + " (" + own_name() +
                                                 "), which is another program: end it, or name another pid file" &&
                   claimed.error().code() == Errc::State;
        });
    };
    REQUIRE(::flock(file.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK(told("mainstayd"));
    CHECK_FALSE(told(own_name()));  // then it is the daemon
    REQUIRE(::flock(file.get(), LOCK_UN) == 0);
    struct flock whole{};
    whole.l_type = F_WRLCK;
    REQUIRE(::fcntl(file.get(), F_SETLK, &whole) == 0);
    CHECK(told("mainstayd"));
    CHECK(folder.text("x.pid") == "something\n");
}

TEST_CASE("a lock that was handed over keeps the file, and another pid file takes its place") {
    const TemporaryFolder folder;
    UniqueFd lock{::open(folder.at("a").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    REQUIRE(::flock(lock.get(), LOCK_EX | LOCK_NB) == 0);
    std::ofstream{folder.at("a")} << ::getpid() << "\n";
    auto file = PidFile::adopt(folder.at("a"), std::move(lock));
    CHECK(file.path() == folder.at("a"));
    CHECK(file.lock() >= 0);
    CHECK(PidFile::claim(folder.at("a"), own_name()).error().code() == Errc::Exists);
    file = *PidFile::claim(folder.at("b"), "x");
    CHECK(folder.names() == Texts{"b"});
    file.remove();
    CHECK(folder.names().empty());
    CHECK(file.lock() == -1);
}

TEST_CASE("copies of the configuration are root's alone, and are kept where the file says so") {
    const TemporaryFolder running, saved;
    KeptLog log;
    ipc::DaemonSettings settings;
    keep_copies(settings, "/etc/ha/ha.conf", "text", log);
    settings.tmp_config_directory = running.path;
    settings.config_save_dir = saved.path;
    keep_copies(settings, "/etc/ha/ha.conf", "text", log);
    const std::string name = "mainstay-" + std::to_string(::getppid()) + ".conf";
    CHECK(running.names() == Texts{name});
    CHECK(running.text(name) == "text");
    CHECK(mode_of(running.at(name)) == 0600);
    REQUIRE(saved.names().size() == 1);
    CHECK(std::regex_match(saved.names()[0], std::regex{R"(ha\.conf\.20\d{6}-\d{6})"}));
    CHECK(saved.text(saved.names()[0]) == "text");
    CHECK(mode_of(saved.at(saved.names()[0])) == 0600);
    CHECK(log.texts.empty());
}

TEST_CASE("a copy that cannot be kept is a warning, and the other one is kept") {
    const TemporaryFolder saved;
    KeptLog log;
    ipc::DaemonSettings settings;
    settings.tmp_config_directory = "/nowhere";
    settings.config_save_dir = saved.path;
    keep_copies(settings, "ha.conf", "text", log);
    REQUIRE(log.texts.size() == 1);
    CHECK(log.texts[0].starts_with("a copy of the configuration cannot be kept: "));
    CHECK(saved.names().size() == 1);
}

TEST_CASE("a script that others may change is named once for each key until it is safe again" *
          mainstay::test::kNeedsRoot) {
    const TemporaryFolder folder;
    const std::string path = folder.at("script");
    std::ofstream{path} << "#!/bin/sh\n";
    ::chmod(path.c_str(), 0755);
    KeptLog log;
    ScriptGuard guard{log};
    alert::ScriptEntry entry{.argv = {path}, .path = path, .security = alert::ScriptSecurity::Refuse};
    CHECK(guard.path_to_run("a", entry));
    ::chmod(path.c_str(), 0777);
    CHECK_FALSE(guard.path_to_run("a", entry));
    CHECK_FALSE(guard.path_to_run("a", entry));
    CHECK(log.texts.size() == 1);
    CHECK_FALSE(guard.path_to_run("b", entry));
    CHECK(log.texts.size() == 2);
    ::chmod(path.c_str(), 0755);
    CHECK(guard.path_to_run("a", entry));
    ::chmod(path.c_str(), 0777);
    CHECK_FALSE(guard.path_to_run("a", entry));
    CHECK(log.texts.size() == 3);
    entry.security = alert::ScriptSecurity::Warn;
    CHECK(guard.path_to_run("c", entry));
    CHECK(guard.path_to_run("c", entry));
    REQUIRE(log.texts.size() == 4);
    CHECK(log.texts[3] == "script " + path + " of c became unsafe: accounts other than root may modify it");
    entry.security = alert::ScriptSecurity::Unchecked;
    CHECK(guard.path_to_run("d", entry));
    CHECK(log.texts.size() == 4);
}

TEST_CASE("descriptors and address space of each process, and what a configuration of 10 kB adds") {
    const auto row = [](const kernel::ProcessLimits& limits) {
        return std::vector<std::uint64_t>{limits.descriptors, limits.address_space, limits.file_size};
    };
    using Row = std::vector<std::uint64_t>;
    CHECK(row(limits_of(Kind::Vrrp, 0)) == Row{1024, kGigabyte, 0});
    CHECK(row(limits_of(Kind::Vrrp, 10240)) == Row{1024 + 320, kGigabyte + 10240 * 512, 0});
    CHECK(row(limits_of(Kind::Vrrp, 1023)) == Row{1024, kGigabyte + 1023 * 512, 0});
    CHECK(row(limits_of(Kind::Lvs, 10240)) == Row{8192, 2 * kGigabyte + 10240 * 512, 0});
    CHECK(row(limits_of(Kind::Observer, 10240)) == Row{1024, 4 * kGigabyte + 10240 * 512, kGigabyte});
    CHECK(row(limits_of(Kind::Bfd, 10240)) == Row{1024 + 640, kGigabyte + 10240 * 512, 0});
    CHECK(row(limits_of(Kind::Snmp, 10240)) == Row{256, 4 * kGigabyte + 10240 * 512, 0});
    CHECK(row(reader_limits()) == Row{256, 8 * kGigabyte, 0});
    CHECK(row(watcher_limits()) == Row{4096, 2 * kGigabyte, 0});
}
