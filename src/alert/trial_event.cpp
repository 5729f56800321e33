#include "mainstay/alert/trial_event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mainstay::alert {
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
