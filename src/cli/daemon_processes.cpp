#include "daemon_processes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "ctl_client.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/kernel/process.hpp"
#include "systemd.hpp"
#include "waiting.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kDumpWithin{5'000}, kGoneWithin{5'000}, kPause{20};
constexpr std::string_view kInstance = "VRRP Instance = ", kState = "State = ";

std::string file_of(int pid, std::string_view name) { return fmt::format("/proc/{}/{}", pid, name); }

// Without the mark of a program that was replaced on disk.
std::string program_of(int pid) {
    std::error_code failed;
    std::string name = fs::read_symlink(file_of(pid, "exe"), failed).filename().string();
    constexpr std::string_view kDeleted = " (deleted)";
    if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
    return name;
}

std::vector<int> children_of(int pid, std::string_view program) {
    std::vector<int> children;
    std::error_code failed;
    for (const auto& thread : fs::directory_iterator{file_of(pid, "task"), failed}) {
        std::ifstream file{thread.path() / "children"};
        for (int child = 0; file >> child;)
            if (program_of(child).starts_with(program)) children.push_back(child);
    }
    return children;
}

DaemonProcesses with_children(int pid, std::string_view program) {
    return {.main = pid, .children = children_of(pid, program), .unit = unit_of(pid)};
}

std::string whole_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// The line of /proc/PID/status that begins so; none: the process is gone.
std::optional<std::string> status_line(int pid, std::string_view beginning) {
    std::ifstream file{file_of(pid, "status")};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(beginning)) return line;
    return std::nullopt;
}

std::optional<struct stat> status_of_link(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
    return status;
}

bool differs(const std::optional<struct stat>& before, const struct stat& now) {
    return !before || before->st_ino != now.st_ino || before->st_mtim.tv_sec != now.st_mtim.tv_sec ||
           before->st_mtim.tv_nsec != now.st_mtim.tv_nsec || before->st_size != now.st_size;
}

}  // namespace

std::string first_line(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

Result<DaemonProcesses> running_keepalived(const std::string& pid_file) {
    const std::string line = first_line(pid_file);
    if (line.empty()) return fail(Errc::NotFound, "no keepalived is running: there is no " + pid_file);
    int pid = 0;
    std::istringstream{line} >> pid;
    // mainstay's own program has that name as well, in the place of the package keepalived.
    if (pid <= 1 || !kernel::process_alive(pid) || program_of(pid) != "keepalived" ||
        !children_of(pid, "mainstayd-").empty())
        return fail(Errc::NotFound,
                    fmt::format("no keepalived is running: process {} of {} is another one, or gone", line, pid_file));
    return with_children(pid, "keepalived");
}

Result<DaemonProcesses> running_mainstay(const std::string& socket) {
    const auto pid = supervisor_of(socket);
    if (!pid) return error_of(pid);
    return with_children(*pid, "mainstayd");
}

Result<DaemonProcesses> running_in(const std::string& unit, std::string_view program) {
    const int pid = unit.empty() ? 0 : main_process_of(unit);
    if (pid <= 1 || !program_of(pid).starts_with(program))
        return fail(Errc::NotFound, fmt::format("{} runs no {}", unit.empty() ? "systemd" : unit, program));
    return with_children(pid, program);
}

InstanceStates states_in_dump(const std::string& text) {
    InstanceStates states;
    std::istringstream lines{text};
    std::string instance;
    for (std::string line; std::getline(lines, line);) {
        const std::string words{trimmed(line)};
        if (words.starts_with(kInstance)) instance = words.substr(kInstance.size());
        if (!instance.empty() && words.starts_with(kState)) {
            states.add(instance, words.substr(kState.size()));
            instance.clear();
        }
    }
    return states;
}

void InstanceStates::add(const std::string& instance, std::string_view state) {
    if (state == "MASTER") masters.insert(instance);
    if (state == "MASTER" || state == "BACKUP") working.insert(instance);
}

namespace {

// A file that keepalived writes anew on SIGUSR1.
class Dump {
public:
    explicit Dump(std::string path) : path_{std::move(path)}, before_{status_of_link(path_)} {}
    [[nodiscard]] const std::string& path() const { return path_; }
    // It is whole once it has not grown for a while.
    bool is_whole() {
        const auto now = status_of_link(path_);
        const bool same = now && last_ && !differs(last_, *now);
        last_ = now;
        return same && differs(before_, *now) && now->st_size > 0;
    }
    [[nodiscard]] bool is_roots() const { return S_ISREG(last_->st_mode) && last_->st_uid == 0; }

private:
    std::string path_;
    std::optional<struct stat> before_, last_;
};

}  // namespace

Result<InstanceStates> states_of(const DaemonProcesses& keepalived) {
    Dump dump{file_of(keepalived.main, "root/tmp/keepalived.data")};
    Dump checks{file_of(keepalived.main, "root/tmp/keepalived_check.data")};
    if (::kill(keepalived.main, SIGUSR1) != 0) return fail_system("signal keepalived", errno);
    // One that only balances has a single child, and no instances.
    bool only_balances = false;
    const bool written = comes_true(kDumpWithin, kPause, [&] {
        only_balances = checks.is_whole() && children_of(keepalived.main, "keepalived").size() == 1;
        return only_balances || dump.is_whole();
    });
    if (!written)
        return fail(Errc::NotFound,
                    "keepalived does not say the states of its instances: it has not written "
                    "/tmp/keepalived.data after SIGUSR1");
    if (only_balances) return InstanceStates{};
    if (!dump.is_roots())
        return fail(Errc::Permission, "/tmp/keepalived.data is not a file of root's: remove it, and try again");
    std::ifstream file{dump.path(), std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return states_in_dump(text.str());
}

std::string environment_of(int pid) { return whole_file(file_of(pid, "environ")); }

std::string command_line_of(int pid) { return whole_file(file_of(pid, "cmdline")); }

int parent_of(int pid) {
    const auto line = status_line(pid, "PPid:");
    const std::string text =
        line ? std::string{trimmed(std::string_view{*line}.substr(std::string_view{"PPid:"}.size()))} : "";
    int parent = 0;
    std::from_chars(text.data(), text.data() + text.size(), parent);
    return parent;
}

std::chrono::seconds age_of(int pid) {
    // "PID (NAME) STATE PPID ...", where the name may hold anything; the time of the start is the 20th word after it.
    constexpr int kStartWord = 20;
    const std::string stat = first_line(file_of(pid, "stat"));
    std::istringstream words{stat.substr(std::min(stat.rfind(')') + 1, stat.size()))};
    std::string word;
    for (int n = 0; n < kStartWord; ++n) words >> word;
    std::int64_t ticks = 0;
    std::from_chars(word.data(), word.data() + word.size(), ticks);
    double up = 0;  // seconds since the host's start
    if (!words || !(std::istringstream{first_line("/proc/uptime")} >> up)) return {};
    return std::chrono::seconds{static_cast<std::int64_t>(up) - ticks / ::sysconf(_SC_CLK_TCK)};
}

Result<void> kill_silently(const DaemonProcesses& daemon) {
    // Children that stand still do nothing when their parent dies, and a parent is not told of one that is stopped.
    for (const int child : daemon.children) (void)::kill(child, SIGSTOP);
    if (::kill(daemon.main, SIGKILL) != 0) {
        const int error = errno;
        for (const int child : daemon.children) (void)::kill(child, SIGCONT);
        return fail_system(fmt::format("kill process {}", daemon.main), error);
    }
    for (const int child : daemon.children) (void)::kill(child, SIGKILL);
    const bool gone = comes_true(kGoneWithin, kPause, [&] {
        for (const int child : daemon.children)
            if (kernel::process_alive(child)) return false;
        return !kernel::process_alive(daemon.main);
    });
    if (!gone) return fail(Errc::Timeout, fmt::format("process {} is still there after SIGKILL", daemon.main));
    return {};
}

void remove_pid_files(const DaemonProcesses& killed, const std::string& main_file) {
    const auto remove = [](const std::filesystem::path& file, const auto& is_killed) {
        int pid = 0;
        std::istringstream{first_line(file)} >> pid;
        std::error_code ignored;  // keepalived takes one whose process is gone for what it is
        if (pid != 0 && is_killed(pid)) std::filesystem::remove(file, ignored);
    };
    remove(main_file, [&](int pid) { return pid == killed.main; });
    for (const char* name : {"vrrp.pid", "checkers.pid", "bfd.pid"})
        remove(std::filesystem::path{main_file}.parent_path() / name,
               [&](int pid) { return std::ranges::find(killed.children, pid) != killed.children.end(); });
}

}  // namespace mainstay::cli
