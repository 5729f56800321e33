// mainstayctl fleet: asks all directors at once, each over ssh or at a control socket.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "ctl.hpp"
#include "fleet.hpp"
#include "json_view.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "output.hpp"
#include "remote.hpp"
#include "terminal.hpp"

namespace mainstay::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFleetWithin{20};  // for all of them, who answer at the same time
constexpr std::size_t kReadBytes = 65536;
constexpr int kDiffers = 1, kUnanswered = 2;

// ssh to one director, whose answer is read while others are.
struct Call {
    std::size_t member = 0;
    pid_t pid = -1;
    UniqueFd answer;
    std::string bytes;
};

Result<Call> call(std::size_t member, const std::string& host) {
    auto command = remote_command({"--host", host, "status", "--json"}, {});
    if (!command) return error_of(command);
    std::vector<char*> argv;
    for (auto& word : **command) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system("make a pipe", errno);
    UniqueFd ours{ends[0]}, theirs{ends[1]};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
    Call made{.member = member, .answer = std::move(ours)};
    const int problem = ::posix_spawnp(&made.pid, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) return fail_system("execute ssh", problem);
    return made;
}

// False: the answer is complete, or too long.
bool read_some(Call& one) {
    std::array<char, kReadBytes> bytes;
    const ssize_t size = ::read(one.answer.get(), bytes.data(), bytes.size());
    if (size < 0) return errno == EINTR;
    one.bytes.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0 && one.bytes.size() <= kAnswerBytesMax;
}

void read_all(std::vector<Call>& calls) {
    const auto end = Clock::now() + kFleetWithin;
    for (;;) {
        std::vector<pollfd> open;
        std::vector<Call*> whose;
        for (auto& one : calls) {
            if (!one.answer) continue;
            open.push_back({.fd = one.answer.get(), .events = POLLIN, .revents = 0});
            whose.push_back(&one);
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (open.empty() || left <= 0) return;
        if (::poll(open.data(), open.size(), static_cast<int>(left)) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < open.size(); ++i)
            if (open[i].revents != 0 && !read_some(*whose[i])) whose[i]->answer.reset();
    }
}

// Why ssh has no answer for us; empty: it has.
std::string finish(Call& one) {
    const bool late = static_cast<bool>(one.answer);
    if (late) ::kill(one.pid, SIGKILL);
    int status = 0;
    while (::waitpid(one.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (late) return fmt::format("nothing within {} s", kFleetWithin.count());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return "ssh, or mainstayctl there, failed";
}

void take(FleetMember& member, const Result<std::string>& answer) {
    auto status = answer ? json_object(*answer) : error_of(answer);
    if (status)
        member.status = std::move(*status);
    else
        member.problem = status.error().text();
}

}  // namespace

int ctl_fleet(const std::vector<std::string>& directors, bool as_json) {
    std::vector<FleetMember> members(directors.size());
    std::vector<Call> calls;
    for (std::size_t i = 0; i < directors.size(); ++i) {
        members[i].name = directors[i];
        if (directors[i].starts_with('/')) {
            take(members[i], ask_daemon(directors[i], "/status"));
        } else if (auto made = call(i, directors[i]); made) {
            calls.push_back(std::move(*made));
        } else {
            members[i].problem = made.error().text();
        }
    }
    read_all(calls);
    for (auto& one : calls) {
        if (auto problem = finish(one); problem.empty())
            take(members[one.member], std::move(one.bytes));
        else
            members[one.member].problem = std::move(problem);
    }
    const auto report = compare_fleet(members);
    if (as_json)
        print(nlohmann::json{{"complete", report.complete}, {"differences", report.differences}}.dump(1) + "\n");
    else
        print_coloured(report.text);
    return !report.complete ? kUnanswered : report.differences.empty() ? 0 : kDiffers;
}

}  // namespace mainstay::cli
