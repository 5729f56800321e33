#include "mainstay/alert/trials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mainstay::alert {
namespace {

std::string name_of(const Transport::Server& relay) {
    using Tls = Transport::Server::Tls;
    const char* tls = relay.tls == Tls::Implicit ? "TLS" : relay.tls == Tls::StartTls ? "STARTTLS" : "not encrypted";
    return fmt::format("{} port {} ({})", relay.name, relay.port, tls);
}

}  // namespace

Result<void> RelayTest::start(TestMail test, std::function<void()> accepted) {
    if (running_) return fail(Errc::Limit, "another test mail is on its way: wait for its end");
    if (test.relays.empty()) return fail(Errc::Invalid, "no relay is configured");
    test_ = std::move(test);
    accepted_ = std::move(accepted);
    relay_ = 0;
    ++number_;
    running_ = true;
    delivered_ = false;
    outcome_.clear();
    transcript_.clear();
    try_next_relay();
    return {};
}

void RelayTest::try_next_relay() {
    const auto& relay = test_.relays[relay_];
    transcript_.noted(fmt::format("relay {} of {}: {}, at most {} s for each step", relay_ + 1, test_.relays.size(),
                                  name_of(relay), relay.timeout.count()));
    transport_.send(relay, test_.mail, test_.message,
                    lifetime_.guard([this](const Delivery& delivery) { ended(delivery); }));
}

void RelayTest::ended(const Delivery& delivery) {
    const std::string relay = name_of(test_.relays[relay_]);
    if (!delivery.reached) {
        transcript_.noted(fmt::format("{}: {}", relay, delivery.text));
        if (++relay_ < test_.relays.size()) return try_next_relay();
        return finish(false, fmt::format("no relay could be reached; the last one: {}: {}", relay, delivery.text));
    }
    const auto has = [](const std::vector<std::string>& list, const std::string& address) {
        return std::ranges::find(list, address) != list.end();
    };
    std::vector<std::string> deferred;
    for (const auto& address : envelope_of(test_.mail.to))
        if (!has(delivery.accepted, address) && !has(delivery.never, address)) deferred.push_back(address);
    std::string outcome = relay;
    if (!delivery.accepted.empty()) outcome += fmt::format(" accepted it for {}", fmt::join(delivery.accepted, ", "));
    const char* also = delivery.accepted.empty() ? "" : " and";
    if (!delivery.never.empty())
        outcome += fmt::format("{} refused it for {} ({})", std::exchange(also, " and"),
                               fmt::join(delivery.never, ", "), delivery.text);
    if (!deferred.empty())
        outcome += fmt::format("{} put it off for {} ({})", also, fmt::join(deferred, ", "), delivery.text);
    finish(delivery.never.empty() && deferred.empty(), std::move(outcome));
}

void RelayTest::finish(bool delivered, std::string outcome) {
    running_ = false;
    delivered_ = delivered;
    outcome_ = std::move(outcome);
    if (delivered && accepted_) accepted_();
}

RelayTest::Progress RelayTest::progress(std::size_t known) const {
    Progress now{.number = number_,
                 .running = running_,
                 .delivered = delivered_,
                 .outcome = outcome_,
                 .next = known,
                 .lines = transcript_.after(known)};
    now.next += now.lines.size();
    return now;
}

namespace {

const char* verdict_text(HookVerdict verdict) {
    switch (verdict) {
        case HookVerdict::Delivered:
            return "accepted";
        case HookVerdict::Rejected:
            return "rejected: an event with this answer is moved to the spool's failed folder";
        case HookVerdict::Deferred:
            return "not accepted now: an event with this answer is retried";
        case HookVerdict::NotReceiving:
            break;
    }
    return "not accepted: while this is the answer all events wait and are retried";
}

}  // namespace

Result<void> HookTest::start(std::vector<Webhook> webhooks, HookSender sender, WallTime at) {
    if (running_) return fail(Errc::Limit, "another test event is on its way: wait for its end");
    if (webhooks.empty()) return fail(Errc::Invalid, "no webhook is configured");
    webhooks_ = std::move(webhooks);
    sender_ = std::move(sender);
    at_ = at;
    next_ = accepted_ = 0;
    ++number_;
    running_ = true;
    outcome_.clear();
    lines_.clear();
    try_next();
    return {};
}

void HookTest::try_next() {
    for (; next_ < webhooks_.size(); ++next_) {
        const auto& webhook = webhooks_[next_];
        if (!webhook.problem.empty()) {
            lines_.push_back(fmt::format("* webhook {}: nothing is sent: {}", webhook.name, webhook.problem));
            continue;
        }
        const auto post = test_post(webhook.name, webhook.body, sender_, at_);
        lines_.push_back(
            fmt::format("> webhook {}: POST {}, {} bytes", webhook.name, post.content_type, post.body.size()));
        return transport_.post(webhook, post, lifetime_.guard([this](const HookAnswer& answer) { ended(answer); }));
    }
    running_ = false;
    outcome_ = fmt::format("{} of {} webhooks accepted it", accepted_, webhooks_.size());
    transport_.keep_connections({});
}

void HookTest::ended(const HookAnswer& answer) {
    const HookVerdict verdict = judge_answer(answer.status);
    if (verdict == HookVerdict::Delivered) ++accepted_;
    lines_.push_back(fmt::format("< webhook {}: {} ({})", webhooks_[next_].name,
                                 answer.status == 0 ? answer.text : fmt::format("HTTP status {}", answer.status),
                                 verdict_text(verdict)));
    ++next_;
    try_next();
}

HookTest::Progress HookTest::progress(std::size_t known) const {
    known = std::min(known, lines_.size());
    return {.number = number_,
            .running = running_,
            .delivered = !running_ && number_ != 0 && accepted_ == webhooks_.size(),
            .outcome = outcome_,
            .next = lines_.size(),
            .lines = {lines_.begin() + static_cast<std::ptrdiff_t>(known), lines_.end()}};
}

}  // namespace mainstay::alert
