// mainstayctl fleet: asks all directors at once, each over ssh or at a control socket.
#include "ctl_fleet.hpp"

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
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "ctl.hpp"
#include "json_view.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "output.hpp"
#include "remote.hpp"

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

namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

// What each member says of one thing; absent: it does not know the thing.
using Answers = std::map<std::string, std::string>;

class Comparison {
public:
    explicit Comparison(const std::vector<FleetMember>& members) : members_{members} {}

    FleetReport run() {
        overview();
        each("version", [](const json& status) { return Answers{{"", text(status, "version")}}; });
        two_masters();
        missing("virtual server", schedulers);
        each("scheduler of", schedulers);
        each("servers of", servers);
        each("mh table of", mh_tables);
        each("state of", server_states);
        missing("address", announced);
        each("address", announced);
        return std::move(report_);
    }

private:
    static const json& services(const json& status) { return list(part(status, "lvs"), "services"); }

    static Answers mh_tables(const json& status) {
        Answers answers;
        for (const auto& service : services(status))
            if (service.contains("mh_table")) answers[text(service, "name")] = text(service["mh_table"], "digest");
        return answers;
    }

    static Answers schedulers(const json& status) {
        Answers answers;
        for (const auto& service : services(status)) answers[text(service, "name")] = text(service, "scheduler");
        return answers;
    }

    static Answers servers(const json& status) {
        Answers answers;
        for (const auto& service : services(status)) {
            std::set<std::string> names;
            for (const auto& server : list(service, "servers")) names.insert(text(server, "name"));
            answers[text(service, "name")] = joined({names.begin(), names.end()});
        }
        return answers;
    }

    static Answers server_states(const json& status) {
        Answers answers;
        for (const auto& service : services(status))
            for (const auto& server : list(service, "servers"))
                answers[text(server, "name") + " of " + text(service, "name")] = flag(server, "alive") ? "UP" : "DOWN";
        return answers;
    }

    static Answers announced(const json& status) {
        Answers answers;
        for (const auto& one : list(part(status, "lvs"), "announced")) {
            const auto reason = text(one, "reason");
            answers[text(one, "address")] = text(one, "state") + (reason.empty() ? "" : " (" + reason + ")");
        }
        return answers;
    }

    // The addresses of each instance that is MASTER.
    static Answers held(const json& status) {
        Answers answers;
        for (const auto& instance : list(part(status, "vrrp"), "instances"))
            if (text(instance, "state") == "MASTER")
                for (const auto& address : list(instance, "addresses"))
                    if (address.is_string())
                        answers[fmt::format("{} (VRID {})", address.get<std::string>(),
                                            number(instance, "virtual_router_id"))] = "MASTER";
        return answers;
    }

    void two_masters() {
        for (const auto& [address, answers] : ask(held))
            if (const auto& names = answers.at("MASTER"); names.size() > 1)
                add(fmt::format("more than one MASTER of {}: {}", address, joined(names)));
    }

    void overview() {
        std::vector<TableRow> rows{{"DIRECTOR", "VERSION", "SERVICES", "SERVERS UP", "ANNOUNCED", "MH TABLES"}};
        for (const auto& member : members_) {
            if (member.status.is_null()) {
                report_.complete = false;
                rows.push_back({member.name, "-", "-", "-", "-", "no answer: " + member.problem});
                continue;
            }
            std::size_t up = 0, of = 0, addresses = 0;
            for (const auto& [server, state] : server_states(member.status)) ++of, up += state == "UP" ? 1U : 0U;
            for (const auto& one : list(part(member.status, "lvs"), "announced"))
                addresses += text(one, "state") == "announced" ? 1U : 0U;
            rows.push_back({member.name, text(member.status, "version"), std::to_string(services(member.status).size()),
                            fmt::format("{} of {}", up, of), std::to_string(addresses),
                            std::to_string(mh_tables(member.status).size())});
        }
        report_.text = table(rows, "");
    }

    using Things = std::map<std::string, std::map<std::string, std::vector<std::string>>>;  // thing, answer, members
    [[nodiscard]] Things ask(const std::function<Answers(const json&)>& of) const {
        Things things;
        for (const auto& member : members_)
            if (!member.status.is_null())
                for (const auto& [thing, answer] : of(member.status)) things[thing][answer].push_back(member.name);
        return things;
    }

    // Who says what of each thing of which not all that know it say the same.
    void each(std::string_view what, const std::function<Answers(const json&)>& of) {
        for (const auto& [thing, answers] : ask(of)) {
            if (answers.size() == 1) continue;
            std::string line;
            for (const auto& [answer, names] : answers)
                line += fmt::format("{}{} on {}", line.empty() ? "" : "; ", answer, joined(names));
            add(fmt::format("{}{}{}: {}", what, thing.empty() ? "" : " ", thing, line));
        }
    }

    // Who knows each thing that not all know.
    void missing(std::string_view what, const std::function<Answers(const json&)>& of) {
        const auto answering = std::ranges::count_if(members_, [](const auto& one) { return !one.status.is_null(); });
        for (const auto& [thing, answers] : ask(of)) {
            std::vector<std::string> names;
            for (const auto& [answer, members] : answers) names.insert(names.end(), members.begin(), members.end());
            if (std::ssize(names) != answering) add(fmt::format("{} {}: only on {}", what, thing, joined(names)));
        }
    }

    void add(std::string line) {
        report_.text += (report_.differences.empty() ? "\nThey differ:\n  " : "  ") + line + "\n";
        report_.differences.push_back(std::move(line));
    }

    const std::vector<FleetMember>& members_;
    FleetReport report_;
};

}  // namespace

FleetReport compare_fleet(const std::vector<FleetMember>& members) { return Comparison{members}.run(); }

}  // namespace mainstay::cli
