// From events to delivered mails: composes, spools, merges a storm into a digest, retries, gives up.
//
// It has no timer: the observer calls pump() every second and when a delivery ends. One mail is delivered at a time. If
// the server cannot be reached, all mails wait and it is retried after 5 s, 10 s and so on up to 5 min. A mail that the
// server defers (4xx) is retried with the same delays by itself; the others are delivered meanwhile.
//
// More than kPlainMailsPerMinute mails in a minute are held for kHoldFor and sent as one digest; so are more than that
// many that wait for a server.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mail.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "spool.hpp"

namespace mainstay::alert {

inline constexpr std::size_t kPlainMailsPerMinute = 20;
inline constexpr Seconds kHoldFor{60};
inline constexpr Seconds kRetryFirst{5}, kRetryLast{300};
inline constexpr Seconds kKeepFor{3 * 86'400};  // then a mail is moved to failed/

// How long to wait after this many failures in a row (1, 2, ...).
[[nodiscard]] Seconds retry_delay(std::uint32_t failures);

// The result of one delivery. Recipients that are in no list have not got the mail yet.
struct Delivery {
    bool reached = true;  // false: no connection, no answer, or the server is not taking mails at all now
    std::vector<std::string> accepted;
    std::vector<std::string> never;  // refused for good (5xx)
    std::string text;                // the server's last reply, or what failed
};

// Delivers mails. `done` is called later, on the loop, exactly once for each send().
class Transport {
public:
    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport() = default;

    struct Server {
        std::string name;  // address or host name
        std::uint16_t port = 25;
        std::string helo_name;
        Seconds timeout{30};  // of the connection and of each step
    };
    virtual void send(const Server& server, const Mail& mail, std::string message,
                      std::function<void(Delivery)> done) = 0;
};

struct MailerCounters {
    std::uint64_t queued = 0, sent = 0, failed = 0, digests = 0, retries = 0, refused_by_spool = 0, unsaved = 0;
};

class Mailer {
public:
    // `wake` is called when a delivery has ended: call pump() soon, but not from within `wake`.
    Mailer(Spool spool, Transport& transport, Log& log, std::function<void()> wake);

    // Mail is enabled if both a server and recipients are configured; waiting mails are kept while it is disabled.
    void configure(const config::Global& global, const MailHost& host);
    [[nodiscard]] bool enabled() const;

    // After success the mails of these events are on disk and the events may be acknowledged, unless spool().unsaved()
    // says that some mails are in memory only. After a failure, retry later with the same events.
    [[nodiscard]] Result<void> take(const std::vector<Event>& events, Instant now, WallTime wall);
    // A mail about mainstay itself; sent once for each id.
    [[nodiscard]] Result<void> notice(const std::string& id, const std::string& text, const std::string& body,
                                      Instant now, WallTime wall);

    // While the spool cannot be written: retries, and logs when that state begins and ends.
    void settle_spool();
    // Sends what is due. May be called at any time.
    void pump(Instant now, WallTime wall);

    [[nodiscard]] bool sending() const { return !in_flight_.empty(); }
    [[nodiscard]] const Spool& spool() const { return spool_; }
    [[nodiscard]] MailerCounters counters() const;
    // For people: why the last attempt failed; empty after a success.
    [[nodiscard]] const std::string& last_problem() const { return last_problem_; }

private:
    struct Attempts {
        std::uint32_t failures = 0;
        Instant next{};
    };
    bool admit(Instant now);
    Result<void> store(const std::vector<Mail>& plain, const std::vector<Mail>& held, Instant now);
    Result<void> store_one(const Mail& mail);
    void release_held(Instant now);
    void expire(WallTime wall);
    void merge_backlog();
    void merge_waiting(const std::vector<std::string>& ids);
    std::optional<std::string> next_due(Instant now) const;
    void start(const std::string& id);
    void ended(const std::string& id, const Delivery& delivery, Instant now);
    void refused(const Mail& mail, const Delivery& delivery);
    void settle(Mail mail, const Delivery& delivery, Instant now);
    void finish(const std::string& id);

    Spool spool_;
    Transport& transport_;
    Log& log_;
    std::function<void()> wake_;
    config::Global global_;
    MailHost host_;
    std::deque<Instant> admitted_;   // times of the mails of the last minute
    std::vector<std::string> held_;  // ids that wait for the digest
    Instant held_until_{};
    std::map<std::string, Attempts> attempts_;
    Attempts server_;
    std::string in_flight_;
    std::optional<Delivery> delivery_;  // result of in_flight_, not processed yet
    std::string last_problem_;
    bool told_disk_ = false;  // the spool's failure was logged
    MailerCounters counters_;
    // A delivery may end after this object is destroyed.
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace mainstay::alert
