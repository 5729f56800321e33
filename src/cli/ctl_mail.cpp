// mainstayctl mail and webhook: what waits in the spool, what failed, and a test of the receivers.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "ctl.hpp"
#include "ctl_supervisor.hpp"
#include "json_view.hpp"
#include "mail_view.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr int kNotDelivered = 1;
constexpr std::chrono::milliseconds kLookEvery{200};

std::string words(const std::vector<std::string>& all) { return fmt::format("{}", fmt::join(all, " ")); }

std::string as_body(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string path_of(const MailOptions& options) { return options.of_webhooks ? "/api/v1/webhooks" : "/api/v1/mail"; }

int show_queue(const std::string& socket, const MailOptions& options) {
    const auto answer = ask_daemon(socket, path_of(options));
    if (!answer) return complain(answer.error());
    if (options.as_json) {
        print(*answer);
        return 0;
    }
    const auto queue = json_object(*answer);
    if (!queue) return complain(queue.error());
    print(options.of_webhooks ? webhook_queue_text(*queue) : mail_queue_text(*queue));
    return 0;
}

int change(const std::string& socket, const MailOptions& options) {
    json body = json::object();
    if (options.ids.empty())
        body["all"] = true;
    else
        body["ids"] = words(options.ids);
    const auto answer = send_command(socket, path_of(options) + "/" + options.verb, as_body(body));
    if (!answer) return complain(answer.error());
    const auto done = json_object(*answer);
    if (!done) return complain(done.error());
    print(text(*done, "text"));
    return 0;
}

void print_lines(const json& progress) {
    for (const auto& line : list(progress, "lines"))
        if (line.is_string()) print(line.get<std::string>() + "\n");
}

// Shows the dialogue while it happens.
int test(const std::string& socket, const MailOptions& options) {
    json body = json::object();
    if (!options.to.empty()) body["to"] = words(options.to);
    auto answer = send_command(socket, path_of(options) + "/test", as_body(body));
    std::int64_t number_of_test = 0;
    for (;;) {
        if (!answer) return complain(answer.error());
        const auto progress = json_object(*answer);
        if (!progress) return complain(progress.error());
        if (number_of_test == 0) number_of_test = number(*progress, "number");
        if (number(*progress, "number") != number_of_test)
            return complain(Error{Errc::Io, "the daemon restarted, or another test began; see the log"});
        print_lines(*progress);
        if (!flag(*progress, "running")) {
            const bool delivered = flag(*progress, "delivered");
            print(fmt::format("{}: {}\n", delivered ? "delivered" : "not delivered", text(*progress, "outcome")));
            return delivered ? 0 : kNotDelivered;
        }
        if (const int lost = finish_output("mainstayctl", 0, kUsage); lost != 0) return lost;
        std::this_thread::sleep_for(kLookEvery);
        answer = ask_daemon(socket, fmt::format("{}/test?after={}", path_of(options), number(*progress, "next")));
    }
}

}  // namespace

int ctl_mail(const std::string& socket, const MailOptions& options) {
    if (options.verb == "queue") return show_queue(socket, options);
    if (options.verb == "test") return test(socket, options);
    if (!options.ids.empty() && options.all) return complain(Error{Errc::Invalid, "either IDs or --all, not both"});
    if (options.verb == "drop" && options.ids.empty() && !options.all)
        return complain(Error{Errc::Invalid, fmt::format("name the {} to drop, or all of them with --all",
                                                         options.of_webhooks ? "events" : "mails")});
    return change(socket, options);
}

}  // namespace mainstay::cli
