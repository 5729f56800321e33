// From events to delivered requests: renders, spools, retries, gives up; for each webhook by itself, one request at a
// time.
//
// It has no timer: the observer calls pump() and settle() every second, and pump() when a delivery ends. The requests
// of one object are sent in their order: while one of them is retried, later ones of the same object wait. One that the
// receiver defers (500) is retried after 5 s, 10 s and so on up to 5 min, and other objects' requests go out meanwhile.
// A receiver that takes nothing at all (no answer, 503, 404, or five objects deferred in a row) is left alone with the
// same delays.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clock_steps.hpp"
#include "mailer.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/report/deliveries.hpp"
#include "selection.hpp"
#include "webhook.hpp"
#include "webhook_spool.hpp"

namespace mainstay::alert {

inline constexpr std::uint32_t kDeferredInARowMax = 5;
inline constexpr std::size_t kExpireAtOnce = 20;  // files, of each webhook in each pump()

// What mainstay.toml says of one.
struct Webhook {
    std::string name;  // letters, digits, '-' and '.'
    std::string url, ca_file;
    std::vector<std::string> headers;  // "Name: value"
    HookBody body = HookBody::Alertmanager;
    std::uint8_t kinds = 0;  // bit k: events of Event::Kind k; 0: of all
    Seconds keep = kKeepFor;
    std::string problem;  // not empty: why nothing may be sent; events wait
    bool operator==(const Webhook&) const = default;
};

struct HookAnswer {
    int status = 0;    // of HTTP; 0: no answer
    std::string text;  // what failed, without the URL's path
};

// An event that waits for a webhook or could not be delivered to it, as operators see it.
struct QueuedPost {
    enum class State : std::uint8_t { Waiting, Sending, Failed } state = State::Waiting;
    std::string webhook, id;  // id: "WEBHOOK/EVENT", because an event waits for each of its webhooks
    std::string object;
    WallTime at;
    std::uint32_t tries = 0;          // of its object, or of the receiver, since the last success
    std::string answer;               // the last one of the receiver, or what failed
    std::optional<Seconds> next_try;  // from now; none: there will be none, and `answer` says why
};
inline constexpr std::size_t kQueueShownMax = 1'000;

// Sends requests. `done` is called later, on the loop, exactly once for each post().
class HookTransport {
public:
    HookTransport() = default;
    HookTransport(const HookTransport&) = delete;
    HookTransport& operator=(const HookTransport&) = delete;
    virtual ~HookTransport() = default;
    virtual void post(const Webhook& webhook, const Post& post, std::function<void(HookAnswer)> done) = 0;
    // Connections to other webhooks than these are closed: nothing is to be sent there at once.
    virtual void keep_connections(const std::vector<std::string>& names) = 0;
};

class Webhooks {
public:
    // `wake` is called when a delivery has ended: call pump() soon, but not from within `wake`.
    Webhooks(PostSpool spool, HookTransport& transport, Log& log, std::function<void()> wake);

    // What waits for a webhook that is not configured any more is kept for kKeepFor.
    void configure(std::vector<Webhook> webhooks, HookSender sender);
    // Afterwards the requests of these events are on disk, unless unsaved() says that some are in memory only; what
    // there is no room for is dropped and counted.
    void take(const std::vector<Event>& events, WallTime wall);
    // Whether an alert is firing; and ends those that are over although no event reported it.
    [[nodiscard]] bool firing() const { return !firing_.empty(); }
    void close_alerts(const AlertIsOver& over, WallTime wall);
    // Retries a disk that could not be written, and notes there what has been delivered.
    void settle(WallTime wall);
    void pump(Instant now, WallTime wall);

    // What waits, in its order, at most kQueueShownMax of it; status() has the numbers. Then, at most as many, what has
    // failed; a file that cannot be read stands for the events in it, with its name as the id.
    [[nodiscard]] std::vector<QueuedPost> queue(Instant now) const;
    // The next pump() tries these events, whenever they were due: the waits of their objects and of their receivers are
    // over. Events before them that wait for the same object go first. One that has failed waits behind all others, as
    // if it had happened now. Returns a line about each. An error: nothing was changed.
    [[nodiscard]] Result<std::vector<std::string>> retry(const Selection& which, WallTime wall);
    // Deletes events that wait or have failed; later ones of their objects are sent without them.
    [[nodiscard]] Result<std::vector<std::string>> drop(const Selection& which);

    [[nodiscard]] bool sending() const;
    [[nodiscard]] bool idle() const;  // nothing waits that could be sent at once
    [[nodiscard]] std::size_t unsaved() const { return spool_.unsaved(); }
    [[nodiscard]] const std::string& disk_problem() const { return spool_.disk_problem(); }
    [[nodiscard]] std::vector<report::WebhookStatus> status() const;

private:
    struct Waiting {
        std::string file, post, object;
        WallTime at;
    };
    struct Attempts {
        std::uint32_t failures = 0;
        Instant next{};
    };
    struct Queue {
        Webhook webhook;
        std::deque<Waiting> waiting;  // in the order in which they are sent, but for objects that are deferred
        std::set<std::string> known;  // ids of `waiting` and `in_flight`
        std::map<std::string, Attempts> objects;  // that are deferred
        Attempts receiver;
        std::uint32_t deferred_in_a_row = 0;
        std::optional<Waiting> in_flight;
        std::optional<HookAnswer> answer;  // to in_flight, not processed yet
        report::WebhookStatus counters;
    };

    void load_firing();
    void save_firing();
    void rebuild();
    void take_from(const std::vector<Event>& events, bool only_alerts, WallTime wall);
    void store(Queue& queue, const std::vector<Post>& posts, WallTime wall);
    Result<void> put(Queue& queue, const std::vector<Post>& posts, WallTime wall);
    void start(Queue& queue, Instant now);
    void ended(Queue& queue, Instant now);
    void again(Queue& queue, const HookAnswer& answer, bool of_object, Instant now);
    Result<void> give_up(const Waiting& waiting, const std::string& reason);
    void expire(Queue& queue, WallTime wall);
    void expire_unclaimed(WallTime wall);
    void finish(Queue& queue, const Waiting& waiting);
    void finish_file(const std::string& file, const std::string& post);
    Queue* queue_of(const std::string& name);
    // Which of them wait or are on their way, with their queues.
    struct SelectedWaiting {
        Queue* queue;
        Waiting waiting;
        bool sending;
    };
    struct SelectedFailed {
        FailedItem<PostBatch> file;
        std::vector<Post> posts;  // of the file
        // As operators write them; of a file that cannot be read, its name.
        [[nodiscard]] std::vector<std::string> ids() const;
    };
    struct Selected {
        std::vector<SelectedWaiting> waiting;
        std::vector<SelectedFailed> failed;
    };
    Result<Selected> select(const Selection& which);
    std::string retry_one(const SelectedWaiting& one);
    void retry_failed(const SelectedFailed& failed, WallTime wall, std::vector<std::string>& lines);
    void drop_failed(const SelectedFailed& failed, std::vector<std::string>& lines);
    Result<void> take_from_failed(const SelectedFailed& failed);
    const Post* find(const Waiting& waiting) const;
    PostBatch rest_of(const PostBatch& batch) const;

    PostSpool spool_;
    HookTransport& transport_;
    Log& log_;
    std::function<void()> wake_;
    HookSender sender_;
    std::deque<Queue> queues_;
    std::map<std::string, std::set<std::string>> done_;  // by file: ids that its file on disk still has
    std::set<std::string> unclaimed_;                    // files of webhooks that are not configured
    FiringAlerts firing_;
    bool firing_loaded_ = false, firing_saved_ = true;
    std::int64_t sequence_ = 0;
    ClockSteps clock_;
    bool logged_disk_ = false;
    // A delivery may end after this object is destroyed.
    Lifetime lifetime_;
};

}  // namespace mainstay::alert
