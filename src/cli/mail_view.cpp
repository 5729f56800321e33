#include "mail_view.hpp"

#include <fmt/format.h>

#include "json_view.hpp"

namespace mainstay::cli {
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
std::string first_line(const json& mail, std::int64_t now, std::string_view unset) {
    std::string out = text(mail, "id");
    const auto queued = number(mail, "queued_unix_us");
    if (queued > 0) out += fmt::format("  {} old", age(now, queued));
    if (const auto tries = number(mail, "tries"); tries > 0)
        out += fmt::format("  {}", plural(static_cast<std::size_t>(tries), "try", "tries"));
    return out + "  " + when_next(mail, unset) + "\n";
}

std::string mail_text(const json& mail, std::int64_t now) {
    std::string out = first_line(mail, now, "mail is not configured");
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
        out += first_line(one, now, "nothing is sent to this webhook");
        if (const auto object = text(one, "object"); !object.empty()) out += "    about " + object + "\n";
    }
    if (const auto more = queued - static_cast<std::int64_t>(waiting.size()); more > 0)
        out += fmt::format("... and {} more\n", more);
    for (const auto& one : list(answer, "failed")) {
        out += first_line(one, now, {});
        if (const auto object = text(one, "object"); !object.empty()) out += "    about " + object + "\n";
        out += "    not delivered: " + text(one, "answer") + "\n";
    }
    return out;
}

}  // namespace mainstay::cli
