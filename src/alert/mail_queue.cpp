// What operators see of the mails that wait or have failed, and what they do with them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mail_text.hpp"
#include "mainstay/alert/mailer.hpp"

namespace mainstay::alert {
namespace {

std::string what_it_is(const Mail& mail) {
    return fmt::format("\"{}\" to {}", subject_of(mail), fmt::join(texts_of(mail.to), ", "));
}

std::string what_it_is(const FailedMail& failed) {
    return failed.item ? what_it_is(*failed.item) : fmt::format("unreadable ({})", failed.reason);
}

QueuedMail failed_mail(const FailedMail& failed) {
    QueuedMail shown;
    shown.state = QueuedMail::State::Failed;
    shown.id = failed.id;
    shown.answer = failed.reason;
    if (!failed.item) return shown;
    shown.subject = subject_of(*failed.item);
    shown.alerts = failed.item->items.size() + failed.item->unlisted;
    shown.queued = failed.item->queued;
    shown.to = texts_of(failed.item->to);
    return shown;
}

}  // namespace

QueuedMail Mailer::queued_mail(const Mail& mail, Instant now) const {
    QueuedMail shown;
    shown.id = mail.id;
    shown.subject = subject_of(mail);
    shown.alerts = mail.items.size() + mail.unlisted;
    shown.queued = mail.queued;
    shown.to = texts_of(mail.to);
    const auto in = [now](Instant then) { return std::max(Seconds{0}, std::chrono::ceil<Seconds>(then - now)); };
    Seconds next{0};
    if (const auto tried = attempts_.find(mail.id); tried != attempts_.end()) {
        shown.tries = tried->second.failures;
        shown.answer = tried->second.answer;
        next = in(tried->second.next);
    }
    if (mail.id == in_flight_) {
        shown.state = QueuedMail::State::Sending;
        next = Seconds{0};
    } else if (std::ranges::find(held_, mail.id) != held_.end()) {
        shown.state = QueuedMail::State::Collecting;
        next = in(held_until_);
    } else {
        next = std::max(next, next_attempt_in(now));
    }
    if (enabled()) shown.next_try = next;
    return shown;
}

std::vector<QueuedMail> Mailer::queue(Instant now) const {
    std::vector<QueuedMail> all;
    for (const auto& [id, mail] : spool_.mails()) all.push_back(queued_mail(mail, now));
    std::ranges::stable_sort(all, {}, [](const QueuedMail& one) { return one.queued.unix_us; });
    for (const auto& failed : spool_.failed()) all.push_back(failed_mail(failed));
    return all;
}

// A mail may be both: refused for some of its recipients, waiting for the others.
Result<Mailer::Selected> Mailer::select(const Selection& which) const {
    Selected found;
    auto failed = spool_.failed();
    if (which.all) {
        for (const auto& [id, mail] : spool_.mails()) found.waiting.push_back(id);
        found.failed = std::move(failed);
        return found;
    }
    for (const auto& id : which.ids) {
        const auto same = std::ranges::find(failed, id, &FailedMail::id);
        const bool waits = spool_.mails().contains(id);
        if (!waits && same == failed.end())
            return fail(Errc::NotFound, fmt::format("no mail that waits or has failed has the id {}", id));
        if (waits && std::ranges::find(found.waiting, id) == found.waiting.end()) found.waiting.push_back(id);
        if (same != failed.end() && std::ranges::find(found.failed, id, &FailedMail::id) == found.failed.end())
            found.failed.push_back(*same);
    }
    if (found.empty()) return fail(Errc::Invalid, "no mail is selected");
    return found;
}

Result<std::vector<std::string>> Mailer::retry(const Selection& which, WallTime wall) {
    if (!enabled())
        return fail(Errc::Unsupported,
                    "no mail can be sent: notification_email, or smtp_server and [mail] relays, are not configured");
    auto selected = select(which);
    if (!selected) return error_of(selected);
    std::vector<std::string> lines;
    for (auto& relay : relay_attempts_) relay.next = {};
    for (const auto& id : selected->waiting) {
        const std::string what = what_it_is(spool_.mails().at(id));
        if (id == in_flight_) {
            lines.push_back(fmt::format("{}: it is being delivered already: {}", id, what));
            continue;
        }
        if (const auto tried = attempts_.find(id); tried != attempts_.end()) tried->second.next = {};
        std::erase(held_, id);
        lines.push_back(fmt::format("{}: is tried now: {}", id, what));
    }
    for (const auto& failed : selected->failed) {
        const std::string what = what_it_is(failed);
        if (failed.id == in_flight_) {
            lines.push_back(fmt::format("{}: stays in failed/ while the rest of it is delivered: {}", failed.id, what));
            continue;
        }
        const auto again = spool_.retry_failed(failed, wall);
        lines.push_back(again ? fmt::format("{}: is tried again: {}", failed.id, what)
                              : fmt::format("{}: cannot be tried again: {}", failed.id, again.error().text()));
    }
    log_each(log_, LogLevel::Notice, "mail retry by " + which.by, lines);
    return lines;
}

Result<std::vector<std::string>> Mailer::drop(const Selection& which) {
    auto selected = select(which);
    if (!selected) return error_of(selected);
    std::vector<std::string> lines;
    const auto note = [&lines](const std::string& id, const std::string& what, const Result<void>& removed) {
        lines.push_back(removed ? fmt::format("{}: dropped: {}", id, what)
                                : fmt::format("{}: {}: {}", id, removed.error().text(), what));
    };
    for (const auto& id : selected->waiting) {
        const std::string what = what_it_is(spool_.mails().at(id));
        if (id == in_flight_) {
            lines.push_back(fmt::format("{}: is being delivered now, so it was not dropped: {}", id, what));
            continue;
        }
        attempts_.erase(id);
        std::erase(held_, id);
        note(id, what, spool_.remove(id));
    }
    for (const auto& failed : selected->failed) note(failed.id, what_it_is(failed), spool_.drop_failed(failed.id));
    forget_problem();
    log_each(log_, LogLevel::Notice, "mail drop by " + which.by, lines);
    return lines;
}

void Mailer::relay_accepted() {
    for (auto& relay : relay_attempts_) relay.next = {};
    forget_problem();
}

void Mailer::forget_problem() {
    if (!spool_.mails().empty() || !in_flight_.empty()) return;
    last_problem_.clear();
    for (auto& relay : relay_attempts_) relay = {};  // else the next mail would wait for a reason that nobody sees
}

Result<TestMail> Mailer::test_mail(const std::vector<std::string>& to, WallTime wall) const {
    if (relays_.empty())
        return fail(Errc::Unsupported,
                    "no relay is configured: neither smtp_server nor relays in [mail] of mainstay.toml");
    TestMail test{
        .relays = relays_,
        .mail = compose_notice(fmt::format("test.{}", wall.unix_us), fmt::format("Test mail of {}", host_.host_name),
                               "An operator sent this mail to test the mail relays", wall, global_, host_),
        .message = {}};
    test.mail.queued = wall;
    if (!to.empty()) {
        auto named = config::mail_addresses(fmt::format("{}", fmt::join(to, " ")));
        if (!named.problems.empty()) return fail(Errc::Invalid, named.problems.front().what);
        test.mail.to = std::move(named.addresses);
    }
    if (test.mail.to.empty())
        return fail(Errc::Unsupported, "notification_email names no recipient: name one with --to");
    test.message = render_message(test.mail, host_);
    return test;
}

}  // namespace mainstay::alert
