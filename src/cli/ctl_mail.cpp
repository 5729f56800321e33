// mainstayctl mail and webhook: what waits in the spool, what failed, and a test of the receivers.
#include "ctl_mail.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "json_view.hpp"
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

namespace {

using nlohmann::json;

std::string plural(std::size_t count, std::string_view verb_of_one, std::string_view verb_of_more) {
    return fmt::format("{} {}", count, count == 1 ? verb_of_one : verb_of_more);
}

// `unset`: why there is no next try.
std::string when_next(const json& mail, std::string_view unset) {
    const std::string state = text(mail, "state");
    if (state == "failed") return "failed";
    if (state == "sending") return "is being sent now";
    const auto next = mail.find("next_try_s");
    if (next == mail.end() || !next->is_number_integer()) return fmt::format("waits: {}", unset);
    const auto seconds = next->get<std::int64_t>();
    if (state == "collecting") return fmt::format("collects alerts for a digest for {} s", seconds);
    return seconds == 0 ? "next try now" : fmt::format("next try in {} s", seconds);
}

std::string recipients(const json& mail) {
    std::string all;
    for (const auto& address : list(mail, "to"))
        if (address.is_string()) all += (all.empty() ? "" : ", ") + address.get<std::string>();
    return all;
}

// The line that mails and events have alike.
std::string line_of(const json& mail, std::int64_t now, std::string_view unset) {
    std::string out = text(mail, "id");
    const auto queued = number(mail, "queued_unix_us");
    if (queued > 0) out += fmt::format("  {} old", age(now, queued));
    if (const auto tries = number(mail, "tries"); tries > 0)
        out += fmt::format("  {}", plural(static_cast<std::size_t>(tries), "try", "tries"));
    return out + "  " + when_next(mail, unset) + "\n";
}

std::string mail_text(const json& mail, std::int64_t now) {
    std::string out = line_of(mail, now, "mail is not configured");
    if (const auto subject = text(mail, "subject"); !subject.empty()) out += "    " + subject + "\n";
    if (const auto to = recipients(mail); !to.empty()) out += "    to " + to + "\n";
    if (const auto answer = text(mail, "answer"); !answer.empty()) out += "    last answer: " + answer + "\n";
    return out;
}

}  // namespace

std::string mail_queue_text(const json& answer) {
    const auto &waiting = list(answer, "waiting"), &failed = list(answer, "failed");
    std::string out;
    if (const auto problem = text(answer, "problem"); !problem.empty()) out += "mail spool: " + problem + "\n";
    if (!flag(answer, "enabled")) out += "mails are not sent: relay or recipients are not configured\n";
    out += fmt::format("{}, {}\n", plural(waiting.size(), "mail waits", "mails wait"),
                       failed.size() == 1 ? "1 has failed" : fmt::format("{} have failed", failed.size()));
    const auto now = number(answer, "now_unix_us");
    for (const auto& mail : waiting) out += mail_text(mail, now);
    for (const auto& mail : failed) out += mail_text(mail, now);
    return out;
}

std::string webhook_queue_text(const json& answer) {
    std::string out;
    if (const auto problem = text(answer, "problem"); !problem.empty()) out += "webhook spool: " + problem + "\n";
    if (!flag(answer, "enabled")) return out + "no webhook is configured\n";
    std::int64_t queued = 0;
    for (const auto& one : list(answer, "receivers")) {
        queued += number(one, "queued");
        out += fmt::format("{}: {} queued, {} sent, {} failed, {} dropped\n", text(one, "name"), number(one, "queued"),
                           number(one, "sent"), number(one, "failed"), number(one, "dropped"));
        if (const auto problem = text(one, "problem"); !problem.empty()) out += "    last error: " + problem + "\n";
    }
    const auto now = number(answer, "now_unix_us");
    const auto& waiting = list(answer, "waiting");
    for (const auto& one : waiting) {
        out += line_of(one, now, "nothing is sent to this webhook");
        if (const auto object = text(one, "object"); !object.empty()) out += "    about " + object + "\n";
    }
    if (const auto more = queued - static_cast<std::int64_t>(waiting.size()); more > 0)
        out += fmt::format("... and {} more\n", more);
    for (const auto& one : list(answer, "failed")) {
        out += line_of(one, now, {});
        if (const auto object = text(one, "object"); !object.empty()) out += "    about " + object + "\n";
        out += "    not delivered: " + text(one, "answer") + "\n";
    }
    return out;
}

}  // namespace mainstay::cli
