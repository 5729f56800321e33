#include "mainstay/alert/mailer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace mainstay::alert {
namespace {

constexpr Seconds kAdmissionWindow{60};

bool same_envelope(const Mail& a, const Mail& b) { return a.from == b.from && a.to == b.to; }

bool is_among(const config::MailAddress& one, const std::vector<std::string>& addresses) {
    return std::ranges::find(addresses, one.address) != addresses.end();
}

std::string hours_or_seconds(Seconds time) {
    constexpr Seconds kHour{3600};
    return time % kHour == Seconds{0} ? fmt::format("{} h", time / kHour) : fmt::format("{} s", time.count());
}

}  // namespace

Seconds retry_delay(std::uint32_t failures) {
    Seconds delay = kRetryFirst;
    for (std::uint32_t i = 1; i < failures && delay < kRetryLast; ++i) delay *= 2;
    return std::min(delay, kRetryLast);
}

Mailer::Mailer(Spool spool, Transport& transport, Log& log, std::function<void()> wake)
    : spool_{std::move(spool)}, transport_{transport}, log_{log}, wake_{std::move(wake)} {}

void Mailer::configure(const config::Global& global, const MailHost& host, MailSettings settings) {
    if (settings.relays.empty() && !global.smtp_server.empty())
        settings.relays.push_back({.name = global.smtp_server, .port = global.smtp_port});
    for (auto& relay : settings.relays) {
        relay.helo_name = global.smtp_helo_name.empty() ? host.host_name : global.smtp_helo_name;
        relay.timeout = std::max(global.smtp_connect_timeout, Seconds{1});
    }
    const auto same_place = [](const Transport::Server& a, const Transport::Server& b) {
        return a.name == b.name && a.port == b.port && a.tls == b.tls && a.user == b.user && a.password == b.password;
    };
    // Changed servers are tried immediately; unchanged ones keep their retry schedule.
    if (!std::ranges::equal(relays_, settings.relays, same_place)) relay_attempts_.assign(settings.relays.size(), {});
    relays_ = std::move(settings.relays);
    keep_ = settings.keep;
    global_ = global;
    host_ = host;
}

bool Mailer::enabled() const { return !relays_.empty() && !global_.notification_email.empty(); }

report::MailCounters Mailer::counters() const {
    report::MailCounters counters = counters_;
    counters.queued = spool_.mails().size();
    counters.unsaved = spool_.unsaved();
    return counters;
}

void Mailer::settle_spool() {
    if (spool_.disk_problem().empty() && !logged_disk_) return;
    const std::size_t problems_before = spool_.problems().size();
    const std::size_t written = spool_.settle();
    for (std::size_t i = problems_before; i < spool_.problems().size(); ++i)
        log_.error("mail spool: {}", spool_.problems()[i]);
    const bool refuses = !spool_.disk_problem().empty();
    if (refuses && !logged_disk_) {
        log_.error("The mail spool cannot be written ({}): mails are sent from memory, which keeps at most {} of them",
                   spool_.disk_problem(), spool_.limits().memory_mails_max);
    } else if (!refuses && logged_disk_) {
        log_.notice("The mail spool can be written again: {} mails were moved from memory to it", written);
    }
    logged_disk_ = refuses;
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
    clock_.look(now, wall);
    expire(wall);
    release_held(now);
    if (sending() || !enabled()) return;
    const auto relay = relay_due(now);
    if (!relay) return;
    merge_backlog();
    if (const auto id = next_due(now)) start(*id, *relay);
}

std::optional<std::size_t> Mailer::relay_due(Instant now) const {
    const auto due = std::ranges::find_if(relay_attempts_, [now](const Attempts& one) { return one.next <= now; });
    if (due == relay_attempts_.end()) return std::nullopt;
    return static_cast<std::size_t>(due - relay_attempts_.begin());
}

// Zero: another relay is tried at once.
Seconds Mailer::next_attempt_in(Instant now) const {
    const auto first = std::ranges::min_element(relay_attempts_, {}, &Attempts::next);
    if (first == relay_attempts_.end() || first->next <= now) return Seconds{0};
    return std::chrono::ceil<Seconds>(first->next - now);
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

void Mailer::start(const std::string& id, std::size_t relay) {
    in_flight_ = id;
    in_flight_relay_ = relay;
    in_flight_server_ = relays_[relay];
    const Mail& mail = spool_.mails().at(id);
    transport_.send(in_flight_server_, mail, render_message(mail, host_), lifetime_.guard([this](Delivery delivery) {
        delivery_ = std::move(delivery);
        if (wake_) wake_();
    }));
}

void Mailer::ended(const std::string& id, const Delivery& delivery, Instant now) {
    const auto found = spool_.mails().find(id);
    if (found == spool_.mails().end()) return;
    const Mail mail = found->second;
    // The relays may have been configured anew meanwhile: then the outcome says nothing about them.
    if (in_flight_relay_ < relay_attempts_.size()) {
        Attempts& relay = relay_attempts_[in_flight_relay_];
        relay = delivery.reached ? Attempts{} : Attempts{relay.failures + 1, now + retry_delay(relay.failures + 1), {}};
    }
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
    std::erase_if(part.to, [&](const auto& one) { return !is_among(one, delivery.never); });
    const auto kept = spool_.keep_failed(part, delivery.text);
    log_.error("SMTP server {}: mail rejected ({}); {}: {}", in_flight_server_.name, delivery.text, kept_or_lost(kept),
               mail.items.front().subject);
}

// Removes recipients that are done; without any left the mail is removed, else it waits for the next attempt.
void Mailer::settle(Mail mail, const Delivery& delivery, Instant now) {
    const std::size_t before = mail.to.size();
    std::erase_if(mail.to,
                  [&](const auto& one) { return is_among(one, delivery.accepted) || is_among(one, delivery.never); });
    if (mail.to.empty()) return finish(mail.id);
    if (mail.to.size() < before) {
        if (auto updated = spool_.update(mail); !updated) log_.error("{}", updated.error().text());
    }
    ++counters_.retries;
    last_problem_ = delivery.text;
    Attempts& attempts = attempts_[mail.id];
    ++attempts.failures;
    attempts.answer = delivery.text;
    // While a relay is unreachable the retry delay belongs to the relay, not to a single mail.
    attempts.next = delivery.reached ? now + retry_delay(attempts.failures) : now;
    const Seconds wait = delivery.reached ? retry_delay(attempts.failures) : next_attempt_in(now);
    log_.warning("SMTP server {} port {}: mail delivery failed ({}); queued, next attempt in {} s",
                 in_flight_server_.name, in_flight_server_.port, delivery.text, wait.count());
}

void Mailer::finish(const std::string& id) {
    attempts_.erase(id);
    if (auto removed = spool_.remove(id); !removed) log_.error("{}", removed.error().text());
}

void Mailer::expire(WallTime wall) {
    std::vector<Mail> old;
    for (const auto& [id, mail] : spool_.mails()) {
        if (id != in_flight_ && clock_.age(mail.queued, wall) > keep_) old.push_back(mail);
    }
    for (const auto& mail : old) {
        const auto kept = spool_.keep_failed(mail, "not delivered in time");
        const auto& subject = mail.items.front().subject;
        if (!kept && spool_.saved(mail.id)) {  // what is on disk stays there
            if (!std::exchange(logged_not_failed_, true))
                log_.error(
                    "Mail delivery failed for {}, and the mail cannot be moved to the spool's failed folder: it is "
                    "tried further: {}: {}",
                    hours_or_seconds(keep_), subject, kept.error().text());
            continue;
        }
        logged_not_failed_ = false;
        ++counters_.failed;
        log_.error("Mail delivery failed for {}; {}: {}", hours_or_seconds(keep_), kept_or_lost(kept), subject);
        std::erase(held_, mail.id);
        finish(mail.id);
    }
}

}  // namespace mainstay::alert
