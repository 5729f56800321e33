#include "mainstay/alert/mailer.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace mainstay::alert {
namespace {

constexpr Seconds kAdmissionWindow{60};

bool same_envelope(const Mail& a, const Mail& b) { return a.from == b.from && a.to == b.to; }

void take_out(std::vector<std::string>& from, const std::vector<std::string>& what) {
    std::erase_if(from, [&](const std::string& entry) { return std::ranges::find(what, entry) != what.end(); });
}

}  // namespace

Seconds retry_delay(std::uint32_t failures) {
    Seconds delay = kRetryFirst;
    for (std::uint32_t i = 1; i < failures && delay < kRetryLast; ++i) delay *= 2;
    return std::min(delay, kRetryLast);
}

Mailer::Mailer(Spool spool, Transport& transport, Log& log, std::function<void()> wake)
    : spool_{std::move(spool)}, transport_{transport}, log_{log}, wake_{std::move(wake)} {}

void Mailer::configure(const config::Global& global, const MailHost& host) {
    // A changed server is tried immediately; an unchanged one keeps its retry schedule.
    if (global.smtp_server != global_.smtp_server || global.smtp_port != global_.smtp_port) server_ = {};
    global_ = global;
    host_ = host;
}

bool Mailer::enabled() const { return !global_.smtp_server.empty() && !global_.notification_email.empty(); }

MailerCounters Mailer::counters() const {
    MailerCounters counters = counters_;
    counters.queued = spool_.mails().size();
    counters.unsaved = spool_.unsaved();
    return counters;
}

void Mailer::settle_spool() {
    if (spool_.disk_problem().empty() && !told_disk_) return;
    const std::size_t problems_before = spool_.problems().size();
    const std::size_t written = spool_.settle();
    for (std::size_t i = problems_before; i < spool_.problems().size(); ++i)
        log_.error("mail spool: {}", spool_.problems()[i]);
    const bool refuses = !spool_.disk_problem().empty();
    if (refuses && !told_disk_) {
        log_.error("The mail spool cannot be written ({}): mails are sent from memory, which keeps at most {} of them",
                   spool_.disk_problem(), spool_.limits().memory_mails_max);
    } else if (!refuses && told_disk_) {
        log_.notice("The mail spool can be written again: {} mails were moved from memory to it", written);
    }
    told_disk_ = refuses;
}

// True: this mail goes out by itself. False: the minute's share is used up.
bool Mailer::admit(Instant now) {
    while (!admitted_.empty() && now - admitted_.front() >= kAdmissionWindow) admitted_.pop_front();
    if (admitted_.size() >= kPlainMailsPerMinute) return false;
    admitted_.push_back(now);
    return true;
}

Result<void> Mailer::take(const std::vector<Event>& events, Instant now, WallTime wall) {
    if (!enabled()) return {};
    std::vector<Mail> plain, held;
    for (const auto& event : events) {
        if (!event.mail) continue;
        Mail mail = compose(event, global_, host_);
        if (mail.to.empty() || spool_.knows(mail.id)) continue;
        mail.queued = wall;
        // Once a minute has started to collect mails it continues, so that they end up in one digest.
        if (held_.empty() && admit(now))
            plain.push_back(std::move(mail));
        else
            held.push_back(std::move(mail));
    }
    return store(plain, held, now);
}

Result<void> Mailer::store(const std::vector<Mail>& plain, const std::vector<Mail>& held, Instant now) {
    for (const auto& mail : plain) {
        if (auto stored = store_one(mail); !stored) return stored;
    }
    if (held.empty()) return {};
    // One file for all of them: thousands of events must not cost thousands of fsyncs.
    const Mail part = held.size() == 1 ? held.front() : merge(held);
    if (auto stored = store_one(part); !stored) return stored;
    if (held_.empty()) {
        held_until_ = now + kHoldFor;
        log_.notice("More than {} mails in a minute: the next ones are collected for {} s and sent as one digest",
                    kPlainMailsPerMinute, kHoldFor.count());
    }
    held_.push_back(part.id);
    return {};
}

// If the spool is full, the waiting mails are merged; if that does not help, the mail is dropped and counted. The
// digests report the problem already.
Result<void> Mailer::store_one(const Mail& mail) {
    auto stored = spool_.put(mail);
    if (!stored && stored.error().code() == Errc::Limit) {
        std::vector<std::string> all;
        for (const auto& [id, waiting] : spool_.mails()) all.push_back(id);
        merge_waiting(all);
        stored = spool_.put(mail);
    }
    if (!stored && stored.error().code() == Errc::Limit) {
        ++counters_.refused_by_spool;
        log_.error("{}: the mail \"{}\" is dropped", stored.error().text(), mail.items.front().subject);
        return {};
    }
    return stored;
}

Result<void> Mailer::notice(const std::string& id, const std::string& text, const std::string& body, Instant now,
                            WallTime wall) {
    if (!enabled()) return {};
    Mail mail = compose_notice(id, text, body, wall, global_, host_);
    if (mail.to.empty() || spool_.knows(mail.id)) return {};
    mail.queued = wall;
    if (held_.empty() && admit(now)) return store({mail}, {}, now);
    return store({}, {mail}, now);
}

void Mailer::pump(Instant now, WallTime wall) {
    if (delivery_) ended(std::exchange(in_flight_, {}), *std::exchange(delivery_, std::nullopt), now);
    expire(wall);
    release_held(now);
    if (sending() || !enabled() || now < server_.next) return;
    merge_backlog();
    if (const auto id = next_due(now)) start(*id);
}

void Mailer::release_held(Instant now) {
    if (held_.empty() || now < held_until_) return;
    const std::vector<std::string> held = std::exchange(held_, {});
    if (held.size() > 1) merge_waiting(held);
}

void Mailer::merge_backlog() {
    std::vector<std::string> waiting;
    for (const auto& [id, mail] : spool_.mails()) {
        if (std::ranges::find(held_, id) == held_.end()) waiting.push_back(id);
    }
    if (waiting.size() > kPlainMailsPerMinute) merge_waiting(waiting);
}

// Merges these mails per envelope, except the one that is being delivered.
void Mailer::merge_waiting(const std::vector<std::string>& ids) {
    std::vector<Mail> rest;
    for (const auto& id : ids) {
        // Mails on disk are not merged while the digest cannot be written to disk.
        if (!spool_.disk_problem().empty() && spool_.saved(id)) continue;
        if (id != in_flight_ && spool_.mails().contains(id)) rest.push_back(spool_.mails().at(id));
    }
    std::ranges::stable_sort(rest, {}, [](const Mail& mail) { return mail.queued.unix_us; });
    while (!rest.empty()) {
        const Mail first = rest.front();
        const auto tail =
            std::ranges::stable_partition(rest, [&](const Mail& mail) { return same_envelope(mail, first); });
        const std::vector<Mail> group{rest.begin(), tail.begin()};
        rest.erase(rest.begin(), tail.begin());
        if (group.size() < 2) continue;
        if (auto stored = spool_.put_digest(merge(group)); !stored) {
            log_.error("cannot write a digest: {}", stored.error().text());
            return;
        }
        for (const auto& mail : group) {
            attempts_.erase(mail.id);
            std::erase(held_, mail.id);
        }
        ++counters_.digests;
    }
}

std::optional<std::string> Mailer::next_due(Instant now) const {
    const Mail* oldest = nullptr;
    for (const auto& [id, mail] : spool_.mails()) {
        if (std::ranges::find(held_, id) != held_.end()) continue;
        const auto attempts = attempts_.find(id);
        if (attempts != attempts_.end() && now < attempts->second.next) continue;
        if (oldest == nullptr || mail.queued.unix_us < oldest->queued.unix_us) oldest = &mail;
    }
    if (oldest == nullptr) return std::nullopt;
    return oldest->id;
}

void Mailer::start(const std::string& id) {
    in_flight_ = id;
    const Mail& mail = spool_.mails().at(id);
    const Transport::Server server{
        .name = global_.smtp_server,
        .port = global_.smtp_port,
        .helo_name = global_.smtp_helo_name.empty() ? host_.host_name : global_.smtp_helo_name,
        .timeout = std::max(global_.smtp_connect_timeout, Seconds{1})};
    transport_.send(server, mail, render_message(mail, host_),
                    [this, alive = std::weak_ptr{alive_}](Delivery delivery) {
                        if (!alive.lock()) return;
                        delivery_ = std::move(delivery);
                        if (wake_) wake_();
                    });
}

void Mailer::ended(const std::string& id, const Delivery& delivery, Instant now) {
    const auto found = spool_.mails().find(id);
    if (found == spool_.mails().end()) return;
    const Mail mail = found->second;
    server_ = delivery.reached ? Attempts{} : Attempts{server_.failures + 1, now + retry_delay(server_.failures + 1)};
    last_problem_.clear();
    if (!delivery.accepted.empty()) {
        ++counters_.sent;
        log_.info("SMTP alert successfully sent: {}", mail.items.front().subject);
    }
    if (!delivery.never.empty()) refused(mail, delivery);
    settle(mail, delivery, now);
}

void Mailer::refused(const Mail& mail, const Delivery& delivery) {
    ++counters_.failed;
    last_problem_ = delivery.text;
    Mail part = mail;
    part.to = delivery.never;
    log_.error("SMTP server {}: mail rejected ({}); moved to the spool's failed folder: {}", global_.smtp_server,
               delivery.text, mail.items.front().subject);
    if (auto kept = spool_.keep_failed(part, delivery.text); !kept) log_.error("{}", kept.error().text());
}

// Removes recipients that are done; without any left the mail is removed, else it waits for the next attempt.
void Mailer::settle(Mail mail, const Delivery& delivery, Instant now) {
    const std::size_t before = mail.to.size();
    take_out(mail.to, delivery.accepted);
    take_out(mail.to, delivery.never);
    if (mail.to.empty()) return finish(mail.id);
    if (mail.to.size() < before) {
        if (auto updated = spool_.update(mail); !updated) log_.error("{}", updated.error().text());
    }
    ++counters_.retries;
    last_problem_ = delivery.text;
    Attempts& attempts = attempts_[mail.id];
    ++attempts.failures;
    // While the server is unreachable the retry delay belongs to the server, not to a single mail.
    attempts.next = delivery.reached ? now + retry_delay(attempts.failures) : now;
    const Seconds wait = delivery.reached ? retry_delay(attempts.failures) : retry_delay(server_.failures);
    log_.warning("SMTP server {} port {}: mail delivery failed ({}); queued, next attempt in {} s", global_.smtp_server,
                 global_.smtp_port, delivery.text, wait.count());
}

void Mailer::finish(const std::string& id) {
    attempts_.erase(id);
    if (auto removed = spool_.remove(id); !removed) log_.error("{}", removed.error().text());
}

void Mailer::expire(WallTime wall) {
    std::vector<Mail> old;
    for (const auto& [id, mail] : spool_.mails()) {
        const auto age = std::chrono::microseconds{wall.unix_us - mail.queued.unix_us};
        if (id != in_flight_ && age > kKeepFor) old.push_back(mail);
    }
    for (const auto& mail : old) {
        ++counters_.failed;
        log_.error("Mail delivery failed for {} h; moved to the spool's failed folder: {}",
                   std::chrono::duration_cast<std::chrono::hours>(kKeepFor).count(), mail.items.front().subject);
        if (auto kept = spool_.keep_failed(mail, "not delivered in time"); !kept) {
            log_.error("{}", kept.error().text());
            if (spool_.saved(mail.id)) return;
        }
        std::erase(held_, mail.id);
        finish(mail.id);
    }
}

}  // namespace mainstay::alert
