// What operators see of the events that wait for webhooks, and what they do with them.
#include <fmt/format.h>

#include <algorithm>

#include "mainstay/alert/webhooks.hpp"

namespace mainstay::alert {
namespace {

std::string id_of(const Webhook& webhook, const std::string& event) { return webhook.name + "/" + event; }

Seconds seconds_until(Instant then, Instant now) {
    return std::max(Seconds{0}, std::chrono::ceil<Seconds>(then - now));
}

}  // namespace

std::vector<QueuedPost> Webhooks::queue(Instant now) const {
    std::vector<QueuedPost> all;
    for (const auto& queue : queues_) {
        const auto show = [&](const Waiting& waiting, bool sending) {
            if (all.size() >= kQueueShownMax) return;
            QueuedPost shown{.webhook = queue.webhook.name,
                             .id = id_of(queue.webhook, waiting.post),
                             .object = waiting.object,
                             .at = waiting.at,
                             .sending = sending,
                             .tries = queue.receiver.failures,
                             .answer = queue.counters.problem,
                             .next_try = seconds_until(queue.receiver.next, now)};
            if (const auto deferred = queue.objects.find(waiting.object); deferred != queue.objects.end()) {
                shown.tries = std::max(shown.tries, deferred->second.failures);
                shown.next_try = std::max(*shown.next_try, seconds_until(deferred->second.next, now));
            }
            if (!queue.webhook.problem.empty()) {
                shown.answer = queue.webhook.problem;
                shown.next_try.reset();
            }
            all.push_back(std::move(shown));
        };
        if (queue.in_flight) show(*queue.in_flight, true);
        for (const auto& waiting : queue.waiting) show(waiting, false);
    }
    return all;
}

Result<std::vector<Webhooks::Selected>> Webhooks::select(const Selection& which) {
    std::vector<Selected> found;
    const std::set<std::string> wanted{which.ids.begin(), which.ids.end()};
    std::set<std::string> missing = wanted;
    for (auto& queue : queues_) {
        const auto take = [&](const Waiting& waiting, bool sending) {
            const auto id = id_of(queue.webhook, waiting.post);
            if (which.all || wanted.contains(id)) found.push_back({&queue, waiting, sending});
            missing.erase(id);
        };
        if (queue.in_flight) take(*queue.in_flight, true);
        for (const auto& waiting : queue.waiting) take(waiting, false);
    }
    if (!missing.empty())
        return fail(Errc::NotFound, fmt::format("no event that waits has the id {}", *missing.begin()));
    if (found.empty() && !which.all) return fail(Errc::Invalid, "no event is selected");
    return found;
}

Result<std::vector<std::string>> Webhooks::retry(const Selection& which) {
    const auto selected = select(which);
    if (!selected) return std::unexpected{selected.error()};
    std::vector<std::string> lines;
    for (const auto& one : *selected) {
        const auto id = id_of(one.queue->webhook, one.waiting.post);
        if (one.sending) {
            lines.push_back(fmt::format("{}: it is being delivered already", id));
            continue;
        }
        if (const auto& problem = one.queue->webhook.problem; !problem.empty()) {
            lines.push_back(fmt::format("{}: nothing is sent to this webhook: {}", id, problem));
            continue;
        }
        one.queue->receiver.next = {};
        if (const auto deferred = one.queue->objects.find(one.waiting.object); deferred != one.queue->objects.end())
            deferred->second.next = {};
        lines.push_back(fmt::format("{}: is tried now", id));
    }
    log_selected(log_, "webhook retry", which.by, lines);
    return lines;
}

Result<std::vector<std::string>> Webhooks::drop(const Selection& which) {
    const auto selected = select(which);
    if (!selected) return std::unexpected{selected.error()};
    std::vector<std::string> lines;
    for (const auto& [queue, waiting, sending] : *selected) {
        const auto id = id_of(queue->webhook, waiting.post);
        if (sending) {
            lines.push_back(fmt::format("{}: is being delivered now, so it was not dropped", id));
            continue;
        }
        std::erase_if(queue->waiting, [&](const Waiting& one) { return one.post == waiting.post; });
        if (std::ranges::find(queue->waiting, waiting.object, &Waiting::object) == queue->waiting.end())
            queue->objects.erase(waiting.object);
        ++queue->counters.dropped;
        lines.push_back(fmt::format("{}: dropped", id));
        finish(*queue, waiting);
    }
    log_selected(log_, "webhook drop", which.by, lines);
    return lines;
}

}  // namespace mainstay::alert
