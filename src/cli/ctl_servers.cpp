// mainstayctl server: overrides of single servers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

using ServerVerb = lvs::ServerCommand::Verb;
using Clock = std::chrono::steady_clock;

constexpr int kSomeLeft = 1;
constexpr std::chrono::seconds kCountEvery{1};

// What of the quorums is lost is said before it is done. What else a dry run finds, the command itself says.
void warn_of_lost_quorums(const std::string& socket, ipc::ServerQuestion question) {
    question.dry_run = true;
    const auto answer = ask_operator(socket, question);
    if (!answer) return;
    std::string_view text = answer->text;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.starts_with(lvs::kWouldLoseQuorum)) print_error(fmt::format("mainstayctl: warning: {}\n", line));
    }
}

// Until no connection is left, or the time is over.
int wait_until_drained(const std::string& socket, const ServerOptions& options) {
    ipc::ServerQuestion question;
    question.verb = static_cast<std::uint8_t>(ServerVerb::Show);
    question.which = options.which;
    question.count_connections = true;
    const auto begun = Clock::now();
    const std::chrono::seconds limit{seconds_of(options.timeout).value_or(0)};
    std::string shown;
    for (;;) {
        auto left = ask_operator(socket, question);
        if (!left) return complain(left.error());
        const auto took = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun);
        if (left->exit_code == 0) {
            print(fmt::format("drained after {} s: no connection is left\n", took.count()));
            return 0;
        }
        if (took >= limit) {
            print(fmt::format("not drained after {} s; these are left, and the override stays:\n{}", took.count(),
                              left->text));
            return kSomeLeft;
        }
        if (left->text != shown) print(left->text);
        shown = std::move(left->text);
        if (const int lost = finish_output("mainstayctl", 0, kUsage); lost != 0) return lost;
        std::this_thread::sleep_for(kCountEvery);
    }
}

}  // namespace

int ctl_servers(const std::string& socket, const ServerOptions& options) {
    ipc::ServerQuestion question;
    question.which = options.which;
    question.weight = options.weight;
    question.dry_run = options.dry_run;
    question.expire_persistence = options.expire_persistence;
    question.reason = options.reason;
    if (!options.duration.empty()) question.seconds = seconds_of(options.duration).value_or(0);
    for (const ServerVerb verb :
         {ServerVerb::Show, ServerVerb::Drain, ServerVerb::Disable, ServerVerb::Enable, ServerVerb::Weight}) {
        if (lvs::word_of(verb) == options.verb) question.verb = static_cast<std::uint8_t>(verb);
    }
    const auto verb = static_cast<ServerVerb>(question.verb);
    const bool may_lose = verb == ServerVerb::Drain || verb == ServerVerb::Disable || verb == ServerVerb::Weight;
    if (may_lose && !options.dry_run) warn_of_lost_quorums(socket, question);
    const auto answer = ask_operator(socket, question);
    if (!answer) return complain(answer.error());
    print(answer->text);
    if (!options.wait || options.dry_run || answer->exit_code != 0) return answer->exit_code;
    return wait_until_drained(socket, options);
}

}  // namespace mainstay::cli
