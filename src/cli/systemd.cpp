#include "systemd.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "output.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;

Result<void> systemctl(std::vector<std::string> words) {
    words.insert(words.begin(), "systemctl");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    if (const int error = ::posix_spawnp(&pid, "systemctl", nullptr, nullptr, arguments.data(), environ); error != 0)
        return fail_system("start systemctl", error);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail_system("wait for systemctl", errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    std::string command;
    for (const auto& word : words) command += command.empty() ? word : " " + word;
    return fail(Errc::Io, command + " failed");
}

// Of this boot only, like what it is for.
std::string drop_in_of(const std::string& unit) {
    return fmt::format("/run/systemd/system/{}.d/90-takeover.conf", unit);
}

void complain_of(const Result<void>& done) {
    if (!done) print_error("mainstayctl: " + done.error().text() + "\n");
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

Result<void> start_beside(const std::string& unit) {
    return systemctl({"start", "--job-mode=ignore-dependencies", unit});
}

Result<void> enable_unit(const std::string& unit, bool enable) {
    return systemctl({"--quiet", enable ? "enable" : "disable", unit});
}

NotStartedAgain::NotStartedAgain(std::string unit) : unit_{std::move(unit)} {
    if (unit_.empty()) return;
    const fs::path file{drop_in_of(unit_)};
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    std::ofstream{file} << "[Service]\nRestart=no\n";
    complain_of(systemctl({"daemon-reload"}));
}

NotStartedAgain::~NotStartedAgain() {
    if (unit_.empty()) return;
    const fs::path file{drop_in_of(unit_)};
    std::error_code failed;
    fs::remove(file, failed);
    fs::remove(file.parent_path(), failed);  // if nothing else is in it
    complain_of(systemctl({"daemon-reload"}));
    complain_of(systemctl({"reset-failed", unit_}));
}

}  // namespace mainstay::cli
