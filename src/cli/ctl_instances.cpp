// mainstayctl failover, maintenance and loglevel: what the supervisor answers when the outcome is known.
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

using InstanceVerb = ipc::InstanceQuestion::Verb;

constexpr std::size_t kAccountBytes = 16'384;
constexpr std::chrono::milliseconds kOutcomeWithin{600'000};  // longer than the daemon waits

// The account by which the operator logged in, where sudo names it, else that of this process. For people: the daemon
// itself logs what the kernel says.
std::string account() {
    // There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* const sudo = std::getenv("SUDO_USER");
    if (sudo != nullptr && *sudo != '\0') return sudo;
    std::array<char, kAccountBytes> room{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::getuid(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return {};
    return entry.pw_name;
}

template <class Question>
int ask(const std::string& socket, Question question) {
    question.account = account();
    const auto answer = ask_operator(socket, question, kOutcomeWithin);
    if (!answer) return complain(answer.error());
    print(answer->text);
    return answer->exit_code;
}

}  // namespace

std::optional<std::int64_t> seconds_of(const std::string& text) {
    std::int64_t total = 0, number = 0;
    const char *at = text.data(), *end = at + text.size();
    while (at != end) {
        const auto read = std::from_chars(at, end, number);
        if (read.ec != std::errc{} || number < 0 || number > kDurationSecondsMax) return std::nullopt;
        at = read.ptr;
        const char unit = at == end ? 's' : *at++;
        const std::int64_t seconds = unit == 's'   ? 1
                                     : unit == 'm' ? 60
                                     : unit == 'h' ? 3'600
                                     : unit == 'd' ? 86'400
                                                   : 0;
        if (seconds == 0) return std::nullopt;
        total += number * seconds;
    }
    return total > 0 && total <= kDurationSecondsMax ? std::optional{total} : std::nullopt;
}

int ctl_failover(const std::string& socket, const std::string& which, bool back, bool dry_run) {
    ipc::InstanceQuestion question;
    question.verb = back ? InstanceVerb::FailBack : InstanceVerb::FailOver;
    question.which = which;
    question.dry_run = dry_run;
    return ask(socket, std::move(question));
}

int ctl_log_level(const std::string& socket, const std::vector<std::string>& words) {
    ipc::LogLevelQuestion question;
    if (words.size() == 2) {
        question.module = words[0];
        question.level = words[1];
    } else if (words.size() == 1) {
        const bool is_level = log_level_of(words[0]) || words[0] == "default";
        (is_level ? question.level : question.module) = words[0];
    }
    return ask(socket, std::move(question));
}

int ctl_maintenance(const std::string& socket, const MaintenanceOptions& options) {
    ipc::InstanceQuestion question;
    question.verb = options.verb == "on"    ? InstanceVerb::MaintenanceOn
                    : options.verb == "off" ? InstanceVerb::MaintenanceOff
                                            : InstanceVerb::MaintenanceShow;
    if (!options.duration.empty()) question.seconds = seconds_of(options.duration).value_or(0);
    question.reason = options.reason;
    question.dry_run = options.dry_run;
    return ask(socket, std::move(question));
}

}  // namespace mainstay::cli
