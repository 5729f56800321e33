// What operators see of the events that wait for webhooks or have failed, and what they do with them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "mainstay/alert/webhooks.hpp"

namespace mainstay::alert {
namespace {

std::string id_of(const std::string& webhook, const std::string& event) { return webhook + "/" + event; }

Seconds seconds_until(Instant then, Instant now) {
    return std::max(Seconds{0}, std::chrono::ceil<Seconds>(then - now));
}

}  // namespace

std::vector<QueuedPost> Webhooks::queue(Instant now) const {
    std::vector<QueuedPost> all;
    for (const auto& queue : queues_) {
        const auto show = [&](const Waiting& waiting, QueuedPost::State state) {
            if (all.size() >= kQueueShownMax) return;
            QueuedPost shown{.state = state,
                             .webhook = queue.webhook.name,
                             .id = id_of(queue.webhook.name, waiting.post),
                             .object = waiting.object,
                             .at = waiting.at,
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
        if (queue.in_flight) show(*queue.in_flight, QueuedPost::State::Sending);
        for (const auto& waiting : queue.waiting) show(waiting, QueuedPost::State::Waiting);
    }
    const std::size_t most = all.size() + kQueueShownMax;
    for (const auto& file : spool_.failed()) {
        QueuedPost shown{.state = QueuedPost::State::Failed, .id = file.id, .answer = file.reason};
        if (!file.item && all.size() < most) all.push_back(shown);
        if (!file.item) continue;
        for (const auto& post : file.item->posts) {
            if (all.size() == most) break;
            shown.webhook = file.item->webhook;
            shown.id = id_of(shown.webhook, post.id);
            shown.object = post.object;
            shown.at = post.at;
            all.push_back(shown);
        }
    }
    return all;
}

Result<Webhooks::Selected> Webhooks::select(const Selection& which) {
    Selected found;
    const std::set<std::string> wanted{which.ids.begin(), which.ids.end()};
    std::set<std::string> missing = wanted;
    const auto wants = [&](const std::string& id) {
        missing.erase(id);
        return which.all || wanted.contains(id);
    };
    for (auto& queue : queues_) {
        const auto take = [&](const Waiting& waiting, bool sending) {
            if (wants(id_of(queue.webhook.name, waiting.post))) found.waiting.push_back({&queue, waiting, sending});
        };
        if (queue.in_flight) take(*queue.in_flight, true);
        for (const auto& waiting : queue.waiting) take(waiting, false);
    }
    for (auto& file : spool_.failed()) {
        SelectedFailed failed{.file = std::move(file), .posts = {}};
        const auto& batch = failed.file.item;
        if (batch)
            std::ranges::copy_if(batch->posts, std::back_inserter(failed.posts),
                                 [&](const Post& post) { return wants(id_of(batch->webhook, post.id)); });
        if (batch ? !failed.posts.empty() : wants(failed.file.id)) found.failed.push_back(std::move(failed));
    }
    if (!missing.empty())
        return fail(Errc::NotFound, fmt::format("no event that waits or has failed has the id {}", *missing.begin()));
    if (found.waiting.empty() && found.failed.empty() && !which.all) return fail(Errc::Invalid, "no event is selected");
    return found;
}

std::string Webhooks::retry_one(const SelectedWaiting& one) {
    const auto id = id_of(one.queue->webhook.name, one.waiting.post);
    if (one.sending) return fmt::format("{}: it is being delivered already", id);
    if (const auto& problem = one.queue->webhook.problem; !problem.empty())
        return fmt::format("{}: nothing is sent to this webhook: {}", id, problem);
    one.queue->receiver.next = {};
    if (const auto deferred = one.queue->objects.find(one.waiting.object); deferred != one.queue->objects.end())
        deferred->second.next = {};
    return fmt::format("{}: is tried now", id);
}

std::vector<std::string> Webhooks::SelectedFailed::ids() const {
    if (!file.item) return {file.id};
    std::vector<std::string> all;
    for (const auto& post : posts) all.push_back(id_of(file.item->webhook, post.id));
    return all;
}

// Whoever dies in between sends them again, under the same ids.
Result<void> Webhooks::take_from_failed(const SelectedFailed& failed) {
    if (!failed.file.item || failed.posts.size() == failed.file.item->posts.size())
        return spool_.drop_failed(failed.file.id);
    PostBatch rest = *failed.file.item;
    std::erase_if(rest.posts, [&](const Post& post) {
        return std::ranges::find(failed.posts, post.id, &Post::id) != failed.posts.end();
    });
    return spool_.keep_failed(rest, failed.file.reason);
}

void Webhooks::retry_failed(const SelectedFailed& failed, WallTime wall, std::vector<std::string>& lines) {
    const auto refuse = [&](const std::string& reason) {
        for (const auto& id : failed.ids()) lines.push_back(fmt::format("{}: cannot be tried again: {}", id, reason));
    };
    if (!failed.file.item) return refuse(failed.file.reason);
    const std::string& name = failed.file.item->webhook;
    Queue* const queue = queue_of(name);
    if (queue == nullptr) return refuse(fmt::format("no webhook {} is configured", name));
    std::vector<Post> posts;
    for (const auto& post : failed.posts) {
        if (!queue->known.insert(post.id).second) continue;  // it waits as well
        posts.push_back(post);
        posts.back().at = wall;
    }
    if (const auto stored = posts.empty() ? Result<void>{} : put(*queue, posts, wall); !stored) {
        for (const auto& post : posts) queue->known.erase(post.id);
        return refuse(stored.error().text());
    }
    for (const auto& id : failed.ids()) lines.push_back(fmt::format("{}: is tried again", id));
    if (const auto taken = take_from_failed(failed); !taken) log_.error("{}", taken.error().text());
}

Result<std::vector<std::string>> Webhooks::retry(const Selection& which, WallTime wall) {
    const auto selected = select(which);
    if (!selected) return error_of(selected);
    std::vector<std::string> lines;
    for (const auto& one : selected->waiting) lines.push_back(retry_one(one));
    for (const auto& failed : selected->failed) retry_failed(failed, wall, lines);
    log_each(log_, LogLevel::Notice, "webhook retry by " + which.by, lines);
    return lines;
}

void Webhooks::drop_failed(const SelectedFailed& failed, std::vector<std::string>& lines) {
    const auto taken = take_from_failed(failed);
    const auto outcome = taken ? std::string{"dropped"} : taken.error().text();
    for (const auto& id : failed.ids()) lines.push_back(fmt::format("{}: {}", id, outcome));
}

Result<std::vector<std::string>> Webhooks::drop(const Selection& which) {
    const auto selected = select(which);
    if (!selected) return error_of(selected);
    std::vector<std::string> lines;
    for (const auto& [queue, waiting, sending] : selected->waiting) {
        const auto id = id_of(queue->webhook.name, waiting.post);
        if (sending) {
            lines.push_back(fmt::format("{}: is being delivered now, so it was not dropped", id));
            continue;
        }
        std::erase_if(queue->waiting, [&](const Waiting& one) { return one.post == waiting.post; });
        if (std::ranges::find(queue->waiting, waiting.object, &Waiting::object) == queue->waiting.end())
            queue->objects.erase(waiting.object);
        lines.push_back(fmt::format("{}: dropped", id));
        finish(*queue, waiting);
        if (!queue->waiting.empty()) continue;
        // Nothing waits for the receiver any more, and what comes next is tried at once.
        queue->counters.problem.clear();
        queue->receiver = {};
        queue->deferred_in_a_row = 0;
    }
    for (const auto& failed : selected->failed) drop_failed(failed, lines);
    log_each(log_, LogLevel::Notice, "webhook drop by " + which.by, lines);
    return lines;
}

}  // namespace mainstay::alert
