#include "systemd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/text.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/tools/host_files.hpp"
#include "mainstay/kernel/process.hpp"
#include "output.hpp"
#include "waiting.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kEndsWithin{30'000}, kLookEvery{50};

// What it prints, where that is asked for.
Result<std::string> systemctl(std::vector<std::string> words, bool asks = false) {
    words.insert(words.begin(), "systemctl");
    std::string command;
    for (const auto& word : words) command += command.empty() ? word : " " + word;
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<int, 2> ends{-1, -1};
    if (asks && ::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system("make a pipe", errno);
    const UniqueFd reads{ends[0]};
    UniqueFd writes{ends[1]};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    if (asks) ::posix_spawn_file_actions_adddup2(&files, writes.get(), STDOUT_FILENO);
    // Of its own group, so that Ctrl-C does not end it in the middle of a start that then goes on without it.
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, "systemctl", &files, &attributes, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail_system("start systemctl", error);
    writes.reset();
    std::string output;
    std::array<char, 4096> piece{};
    for (ssize_t got = 1; asks && got != 0;) {
        got = ::read(reads.get(), piece.data(), piece.size());
        if (got > 0) output.append(piece.data(), static_cast<std::size_t>(got));
        if (got < 0 && errno != EINTR) return fail_system("read from systemctl", errno);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail_system("wait for systemctl", errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
    return fail(Errc::Io, command + " failed");
}

Result<std::string> property(const std::string& unit, std::string_view name) {
    auto value = systemctl({"show", "--property", std::string{name}, "--value", unit}, true);
    if (value && value->ends_with('\n')) value->pop_back();
    return value;
}

// Of this boot only, like what it is for. Files of all folders are sorted by their names, and the last one decides: `~`
// comes after everything that people write, such as the override.conf of `systemctl edit`.
constexpr std::string_view kDropIn = "~~mainstay-takeover.conf";

fs::path drop_in_of(const std::string& unit) { return fmt::format("/run/systemd/system/{}.d/{}", unit, kDropIn); }

// The last of the unit's files that sets Restart=, as systemd reads them.
std::string restart_set_by(const std::string& unit) {
    std::string last;
    for (const char* which : {"FragmentPath", "DropInPaths"}) {
        std::istringstream paths{property(unit, which).value_or("")};
        for (std::string path; paths >> path;) {
            std::ifstream file{path};
            for (std::string line; std::getline(file, line);)
                if (std::string_view{trimmed(line)}.starts_with("Restart=")) last = path;
        }
    }
    return last.empty() ? "another of its files" : last;
}

constexpr std::string_view kDeactivating = "deactivating";

// systemd decides whether to start a unit again once the last of its processes is gone. It may hear of the death of the
// first one later than we do: until then the unit is active, with a main process that is none.
bool is_undecided(const std::string& unit, const std::string& state) {
    if (state == kDeactivating || state.empty()) return true;
    if (state != "active") return false;
    const int main = main_process_of(unit);
    return main != 0 && !kernel::process_alive(main);
}

std::string state_once_decided(const std::string& unit) {
    std::string state;
    (void)comes_true(kEndsWithin, kLookEvery, [&] {
        state = property(unit, "ActiveState").value_or("");
        return !is_undecided(unit, state);
    });
    return state;
}

void complain_of(const Result<std::string>& done) {
    if (!done) print_error("mainstayctl: " + done.error().text() + "\n");
}

void remove_drop_in(const std::string& unit) {
    const fs::path file = drop_in_of(unit);
    std::error_code failed;
    fs::remove(file, failed);
    fs::remove(file.parent_path(), failed);  // if nothing else is in it
    complain_of(systemctl({"daemon-reload"}));
}

Result<void> without_output(const Result<std::string>& done) {
    if (!done) return error_of(done);
    return {};
}

}  // namespace

bool systemd_runs() {
    std::error_code failed;
    return fs::is_directory("/run/systemd/system", failed);
}

std::string unit_of(int pid) {
    if (!systemd_runs()) return {};
    std::ifstream file{fmt::format("/proc/{}/cgroup", pid)};
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("0::")) continue;
        std::string name = fs::path{line.substr(3)}.filename().string();
        if (name.ends_with(".service")) return name;
    }
    return {};
}

int main_process_of(const std::string& unit) {
    int pid = 0;
    std::istringstream{property(unit, "MainPID").value_or("")} >> pid;
    return pid;
}

bool nothing_starts_at_boot(const std::string& unit) {
    if (property(unit, "UnitFileState").value_or("") != "disabled") return false;
    for (const char* by : {"WantedBy", "RequiredBy"})
        if (!property(unit, by).value_or("").empty()) return false;
    const std::string other = unit == "mainstay.service"     ? "keepalived.service"
                              : unit == "keepalived.service" ? "mainstay.service"
                                                             : "";
    return other.empty() || !property(other, "UnitFileState").value_or("").starts_with("enabled");
}

bool is_mainstays_own(const std::string& unit) {
    std::ifstream file{property(unit, "FragmentPath").value_or("")};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return config::is_unit_of_mainstay(text);
}

Result<void> start_beside(const std::string& unit) {
    return without_output(systemctl({"start", "--job-mode=ignore-dependencies", unit}));
}

Result<void> enable_unit(const std::string& unit, bool enable) {
    return without_output(systemctl({"--quiet", enable ? "enable" : "disable", unit}));
}

void wait_until_decided(const std::string& unit) {
    if (!unit.empty()) (void)state_once_decided(unit);
}

Result<NotStartedAgain> NotStartedAgain::of(const std::string& unit) {
    if (unit.empty()) return NotStartedAgain{unit};
    const fs::path file = drop_in_of(unit);
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    std::ofstream out{file};
    out << "[Service]\nRestart=no\nRestartForceExitStatus=\n" << std::flush;
    if (!out) {
        remove_drop_in(unit);
        return fail(Errc::Io, fmt::format("{} cannot be written", file.string()));
    }
    auto reloaded = systemctl({"daemon-reload"});
    auto restart = reloaded ? property(unit, "Restart") : reloaded;
    if (restart && *restart == "no") return NotStartedAgain{unit};
    const std::string other = restart ? restart_set_by(unit) : "";
    remove_drop_in(unit);
    if (!restart) return error_of(restart);
    return fail(
        Errc::State,
        fmt::format("systemd would start {0} again when it ends, which stops the other program: {1} has Restart={2}, "
                    "and counts after {3}. Nothing was changed. Rename that file so that its name begins with a "
                    "digit, call `systemctl daemon-reload`, and try again",
                    unit, other, *restart, file.string()));
}

NotStartedAgain::NotStartedAgain(NotStartedAgain&& other) noexcept : unit_{std::exchange(other.unit_, {})} {}

NotStartedAgain::~NotStartedAgain() {
    if (unit_.empty()) return;
    const std::string state = state_once_decided(unit_);
    if (state == kDeactivating) {
        print_error(fmt::format(
            "mainstayctl: systemd still waits for the end of {}. {} stays, so that it is not started again: remove the "
            "file when it has ended, and call `systemctl daemon-reload`\n",
            unit_, drop_in_of(unit_).string()));
        return;
    }
    remove_drop_in(unit_);
    if (state == "failed") complain_of(systemctl({"reset-failed", unit_}));
}

}  // namespace mainstay::cli
