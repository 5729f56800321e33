#include "mainstay/alert/webhooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace mainstay::alert {
namespace {

constexpr const char* kFiringFile = "firing.json";

bool wants(const Webhook& webhook, Event::Kind kind) {
    return webhook.kinds == 0 || (webhook.kinds >> static_cast<unsigned>(kind) & 1U) != 0;
}

std::string what_failed(const HookAnswer& answer) {
    return answer.status == 0 ? answer.text : fmt::format("HTTP status {}", answer.status);
}

}  // namespace

Webhooks::Webhooks(PostSpool spool, HookTransport& transport, Log& log, std::function<void()> wake)
    : spool_{std::move(spool)}, transport_{transport}, log_{log}, wake_{std::move(wake)} {
    load_firing();
    rebuild();
}

// What began before the disk could be read is in memory, and is the newer.
void Webhooks::load_firing() {
    const auto text = spool_.note(kFiringFile);
    if (!text) {
        firing_loaded_ = text.error().code() == Errc::NotFound;
        return;
    }
    firing_loaded_ = true;
    auto firing = decode_firing(*text);
    if (!firing)
        return log_.error("webhook spool: {}: {}; alerts that were firing are not resolved", kFiringFile,
                          firing.error().text());
    firing_.merge(*firing);
}

void Webhooks::save_firing() {
    const auto saved = spool_.put_note(kFiringFile, encode_firing(firing_));
    firing_saved_ = saved.has_value();
}

Webhooks::Queue* Webhooks::queue_of(const std::string& name) {
    const auto found = std::ranges::find(queues_, name, [](const Queue& queue) { return queue.webhook.name; });
    return found == queues_.end() ? nullptr : &*found;
}

const Post* Webhooks::find(const Waiting& waiting) const {
    const auto batch = spool_.mails().find(waiting.file);
    if (batch == spool_.mails().end()) return nullptr;
    const auto post = std::ranges::find(batch->second.posts, waiting.post, &Post::id);
    return post == batch->second.posts.end() ? nullptr : &*post;
}

// Everything that waits, in its order: at the start, and when files came from a disk that could not be read before.
void Webhooks::rebuild() {
    std::vector<const PostBatch*> batches;
    for (const auto& [id, batch] : spool_.mails()) batches.push_back(&batch);
    std::ranges::stable_sort(batches, {}, &PostBatch::sequence);
    unclaimed_.clear();
    for (auto& queue : queues_) {
        queue.waiting.clear();
        queue.known.clear();
        if (queue.in_flight) queue.known.insert(queue.in_flight->post);
    }
    for (const auto* batch : batches) {
        sequence_ = std::max(sequence_, batch->sequence);
        Queue* const queue = queue_of(batch->webhook);
        if (queue == nullptr) {
            unclaimed_.insert(batch->id);
            continue;
        }
        const auto done = done_.find(batch->id);
        for (const auto& post : batch->posts) {
            if (done != done_.end() && done->second.contains(post.id)) continue;
            if (queue->known.insert(post.id).second)
                queue->waiting.push_back({batch->id, post.id, post.object, post.at});
        }
    }
}

void Webhooks::configure(std::vector<Webhook> webhooks, HookSender sender) {
    sender_ = std::move(sender);
    if (std::ranges::equal(queues_, webhooks, {}, &Queue::webhook)) return;
    std::deque<Queue> queues;
    for (auto& webhook : webhooks) {
        Queue queue;
        if (Queue* const before = queue_of(webhook.name)) queue = std::move(*before);
        if (queue.webhook != webhook) {
            queue.receiver = {};  // it is tried at once
            queue.counters.problem = webhook.problem;
        }
        queue.counters.name = webhook.name;
        queue.webhook = std::move(webhook);
        queues.push_back(std::move(queue));
    }
    queues_ = std::move(queues);
    rebuild();
}

void Webhooks::take(const std::vector<Event>& events, WallTime wall) { take_from(events, false, wall); }

void Webhooks::close_alerts(const AlertIsOver& over, WallTime wall) {
    take_from(closing_events(firing_, over, wall), true, wall);
}

void Webhooks::take_from(const std::vector<Event>& events, bool only_alerts, WallTime wall) {
    const bool alerts =
        std::ranges::any_of(queues_, [](const Queue& queue) { return queue.webhook.body == HookBody::Alertmanager; });
    std::map<Queue*, std::vector<Post>> posts;
    bool changed = false;
    for (const auto& event : events) {
        std::vector<AlertChange> changes;
        if (alerts) changes = alert_changes(event, firing_, sender_);
        changed = changed || !changes.empty();
        for (auto& queue : queues_) {
            const bool cloud_events = queue.webhook.body == HookBody::CloudEvents;
            if (!wants(queue.webhook, event.kind) || (cloud_events && only_alerts)) continue;
            std::optional<Post> post = cloud_events ? cloud_event_post(event, sender_)
                                                    : alertmanager_post(event, changes, queue.webhook.name, sender_);
            // An event comes again when the observer died before it was acknowledged.
            if (post && queue.known.insert(post->id).second) posts[&queue].push_back(std::move(*post));
        }
    }
    for (const auto& [queue, list] : posts) store(*queue, list, wall);
    // After the requests: who dies in between finds them, and the same events change the alerts once more.
    if (changed) save_firing();
}

void Webhooks::store(Queue& queue, const std::vector<Post>& posts, WallTime wall) {
    const auto stored = put(queue, posts, wall);
    if (stored) return;
    queue.counters.dropped += posts.size();
    for (const auto& post : posts) queue.known.erase(post.id);
    log_.error("Webhook {}: {} events are dropped, the first is {}: {}", queue.webhook.name, posts.size(),
               posts.front().id, stored.error().text());
}

Result<void> Webhooks::put(Queue& queue, const std::vector<Post>& posts, WallTime wall) {
    sequence_ = std::max(sequence_ + 1, wall.unix_us);
    const PostBatch batch{.id = fmt::format("{}.{}", queue.webhook.name, sequence_),
                          .webhook = queue.webhook.name,
                          .sequence = sequence_,
                          .posts = posts,
                          .reason = {}};
    if (auto stored = spool_.put(batch); !stored) return stored;
    for (const auto& post : posts) queue.waiting.push_back({batch.id, post.id, post.object, post.at});
    return {};
}

PostBatch Webhooks::rest_of(const PostBatch& batch) const {
    PostBatch rest = batch;
    if (const auto done = done_.find(batch.id); done != done_.end())
        std::erase_if(rest.posts, [&](const Post& post) { return done->second.contains(post.id); });
    return rest;
}

void Webhooks::settle(WallTime wall) {
    if (!spool_.disk_problem().empty() || logged_disk_) {
        const std::size_t files = spool_.mails().size();
        const std::size_t written = spool_.settle();
        if (spool_.mails().size() != files) rebuild();
        const bool refuses = !spool_.disk_problem().empty();
        if (refuses && !logged_disk_)
            log_.error(
                "The webhook spool cannot be written ({}): events are sent from memory, which keeps at most {} "
                "files of them",
                spool_.disk_problem(), spool_.limits().memory_mails_max);
        else if (!refuses && logged_disk_)
            log_.notice("The webhook spool can be written again: {} files were moved from memory to it", written);
        logged_disk_ = refuses;
    }
    if (!firing_loaded_) load_firing();
    if (!firing_saved_) save_firing();
    // What has been delivered of a file is noted once a second: whoever dies before sends it again, under the same ids.
    for (const auto& [file, ids] : done_) {
        const auto batch = spool_.mails().find(file);
        if (batch == spool_.mails().end()) continue;
        if (const auto updated = spool_.update(rest_of(batch->second)); !updated)
            log_.error("{}", updated.error().text());
    }
    done_.clear();
    expire_unclaimed(wall);
}

void Webhooks::pump(Instant now, WallTime wall) {
    std::vector<std::string> busy;
    clock_.look(now, wall);
    for (auto& queue : queues_) {
        if (queue.answer) ended(queue, now);
        expire(queue, wall);
        if (!queue.in_flight && queue.webhook.problem.empty() && queue.receiver.next <= now) start(queue, now);
        if (queue.in_flight) busy.push_back(queue.webhook.name);
    }
    transport_.keep_connections(busy);
}

void Webhooks::start(Queue& queue, Instant now) {
    const auto due = std::ranges::find_if(queue.waiting, [&](const Waiting& waiting) {
        const auto deferred = queue.objects.find(waiting.object);
        return deferred == queue.objects.end() || deferred->second.next <= now;
    });
    if (due == queue.waiting.end()) return;
    Waiting next = std::move(*due);
    queue.waiting.erase(due);
    const Post* const post = find(next);
    if (post == nullptr) return;
    queue.in_flight = std::move(next);
    transport_.post(queue.webhook, *post,
                    lifetime_.guard([this, name = queue.webhook.name, id = post->id](HookAnswer answer) {
                        Queue* const of = queue_of(name);  // it may have been configured away meanwhile
                        if (of == nullptr || !of->in_flight || of->in_flight->post != id) return;
                        of->answer = std::move(answer);
                        if (wake_) wake_();
                    }));
}

void Webhooks::ended(Queue& queue, Instant now) {
    const HookAnswer answer = *std::exchange(queue.answer, std::nullopt);
    const HookVerdict verdict = judge_answer(answer.status);
    if (verdict == HookVerdict::Deferred || verdict == HookVerdict::NotReceiving)
        return again(queue, answer, verdict == HookVerdict::Deferred, now);
    const Waiting done = *std::exchange(queue.in_flight, std::nullopt);
    queue.receiver = {};
    queue.deferred_in_a_row = 0;
    queue.objects.erase(done.object);
    queue.counters.problem.clear();
    if (verdict == HookVerdict::Delivered) {
        ++queue.counters.sent;
        log_.debug("Webhook {}: event {} delivered", queue.webhook.name, done.post);
    } else {
        ++queue.counters.failed;
        queue.counters.problem = fmt::format("event {} rejected ({})", done.post, what_failed(answer));
        log_.error("Webhook {}: event {} rejected ({}); {}", queue.webhook.name, done.post, what_failed(answer),
                   kept_or_lost(give_up(done, what_failed(answer))));
    }
    finish(queue, done);
}

// Back to the front: what waits of the same object stays behind it.
void Webhooks::again(Queue& queue, const HookAnswer& answer, bool of_object, Instant now) {
    queue.waiting.push_front(*std::exchange(queue.in_flight, std::nullopt));
    const Waiting& first = queue.waiting.front();
    ++queue.counters.retries;
    queue.counters.problem = what_failed(answer);
    const auto delay = [now](Attempts& attempts) {
        const Seconds wait = retry_delay(++attempts.failures);
        attempts.next = now + wait;
        return wait;
    };
    Seconds wait{0};
    bool of_receiver = !of_object;
    if (of_object) {
        wait = delay(queue.objects[first.object]);
        queue.receiver = {};
        // One object's request may be the fault; of so many objects it is the receiver's.
        of_receiver = ++queue.deferred_in_a_row >= kDeferredInARowMax && queue.objects.size() >= kDeferredInARowMax;
    }
    if (of_receiver) wait = std::max(wait, delay(queue.receiver));
    log_.warning("Webhook {}: delivery of event {} failed ({}); {} queued, next attempt in {} s", queue.webhook.name,
                 first.post, queue.counters.problem,
                 queue.waiting.size() == 1 ? "1 event" : fmt::format("{} events", queue.waiting.size()), wait.count());
}

Result<void> Webhooks::give_up(const Waiting& waiting, const std::string& reason) {
    const Post* const post = find(waiting);
    if (post == nullptr) return {};
    PostBatch one = spool_.mails().at(waiting.file);
    one.id = fmt::format("{}.{}", one.webhook, waiting.post);
    one.posts = {*post};
    return spool_.keep_failed(one, reason);
}

// The oldest are in front, but for those that are deferred: they are in front of their object's.
void Webhooks::expire(Queue& queue, WallTime wall) {
    for (std::size_t files = 0; files < kExpireAtOnce && !queue.waiting.empty(); ++files) {
        const Waiting first = queue.waiting.front();
        const auto is_due = [&](const Waiting& waiting) { return clock_.age(waiting.at, wall) > queue.webhook.keep; };
        if (!is_due(first)) return;
        PostBatch old = rest_of(spool_.mails().at(first.file));
        const auto is_old = [&](const Waiting& waiting) { return waiting.file == first.file && is_due(waiting); };
        std::vector<Waiting> gone;
        std::ranges::copy_if(queue.waiting, std::back_inserter(gone), is_old);
        std::erase_if(queue.waiting, is_old);
        std::erase_if(old.posts,
                      [&](const Post& post) { return std::ranges::find(gone, post.id, &Waiting::post) == gone.end(); });
        queue.counters.failed += gone.size();
        log_.error("Webhook {}: {} events were not delivered within {} s; {}: {}", queue.webhook.name, gone.size(),
                   queue.webhook.keep.count(), kept_or_lost(spool_.keep_failed(old, "not delivered in time")),
                   first.file);
        for (const auto& waiting : gone) {
            queue.objects.erase(waiting.object);
            finish(queue, waiting);
        }
    }
}

void Webhooks::expire_unclaimed(WallTime wall) {
    std::size_t files = 0;
    for (auto file = unclaimed_.begin(); file != unclaimed_.end() && files < kExpireAtOnce;) {
        const auto batch = spool_.mails().find(*file);
        if (batch != spool_.mails().end() && clock_.age({batch->second.sequence}, wall) <= kKeepFor) {
            ++file;
            continue;
        }
        ++files;
        if (batch != spool_.mails().end()) {
            log_.error("Webhook {} is not configured any more: {} events are {}", batch->second.webhook,
                       batch->second.posts.size(),
                       kept_or_lost(spool_.keep_failed(batch->second, "its webhook is not configured")));
            if (const auto removed = spool_.remove(*file); !removed) log_.error("{}", removed.error().text());
        }
        file = unclaimed_.erase(file);
    }
}

void Webhooks::finish(Queue& queue, const Waiting& waiting) {
    queue.known.erase(waiting.post);
    finish_file(waiting.file, waiting.post);
}

void Webhooks::finish_file(const std::string& file, const std::string& post) {
    const auto batch = spool_.mails().find(file);
    if (batch == spool_.mails().end()) return;
    auto& done = done_[file];
    done.insert(post);
    if (done.size() < batch->second.posts.size()) return;
    done_.erase(file);
    if (const auto removed = spool_.remove(file); !removed) log_.error("{}", removed.error().text());
}

bool Webhooks::sending() const {
    return std::ranges::any_of(queues_, [](const Queue& queue) { return queue.in_flight.has_value(); });
}

bool Webhooks::idle() const {
    return std::ranges::all_of(queues_, [](const Queue& queue) {
        return !queue.in_flight && (queue.waiting.empty() || !queue.counters.problem.empty());
    });
}

std::vector<report::WebhookStatus> Webhooks::status() const {
    std::vector<report::WebhookStatus> all;
    for (const auto& queue : queues_) {
        all.push_back(queue.counters);
        all.back().queued = queue.waiting.size() + (queue.in_flight ? 1 : 0);
    }
    return all;
}

}  // namespace mainstay::alert
