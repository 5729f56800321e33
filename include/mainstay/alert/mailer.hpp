// From events to delivered mails: composes, spools, holds back a storm, retries, gives up.
//
// It owns no timer: the observer calls pump() every second and when a delivery ends. One mail is on its way at a
// time. A server that cannot be reached is tried again after 5 s, then 10 s and so on up to 5 min; meanwhile all mails
// wait. A mail that the server puts off (4xx) waits in the same way for itself, the others go on.
//
// More than kPlainMailsPerMinute mails in a minute are held for kHoldFor and leave as one digest; so do more than
// that many waiting for a server.
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
inline constexpr Seconds kKeepFor{3 * 86'400};  // then a mail goes to failed/

// How long to wait after this many failures in a row (1, 2, ...).
[[nodiscard]] Seconds retry_delay(std::uint32_t failures);

// How one delivery ended. Recipients that are in no list are still to be told.
struct Delivery {
    bool reached = true;  // false: no connection, no answer, or the server is not taking mails at all now
    std::vector<std::string> accepted;
    std::vector<std::string> never;  // refused for good (5xx)
    std::string text;                // the server's last word, or what failed
};

// Where mails go. `done` is called later, from the loop, exactly once for each send().
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
    // `wake` is called when a delivery has ended: pump() soon, but not from within it.
    Mailer(Spool spool, Transport& transport, Log& log, std::function<void()> wake);

    // Mail is on when both a server and recipients are configured; what waits is kept while it is off.
    void configure(const config::Global& global, const MailHost& host);
    [[nodiscard]] bool enabled() const;

    // Everything that these events tell is on disk when it returns success, and they may be acknowledged; unless
    // spool().unsaved() says that some of it is in memory only. After a failure ask again later with the same events.
    [[nodiscard]] Result<void> take(const std::vector<Event>& events, Instant now, WallTime wall);
    // A mail about ourselves; once for each id.
    [[nodiscard]] Result<void> notice(const std::string& id, const std::string& text, const std::string& body,
                                      Instant now, WallTime wall);

    // While the disk refuses: tries it again, and tells when that begins and ends.
    void settle_spool();
    // Sends what is due. Harmless at any time.
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
    std::deque<Instant> admitted_;   // of the last minute
    std::vector<std::string> held_;  // ids that wait for the digest
    Instant held_until_{};
    std::map<std::string, Attempts> attempts_;
    Attempts server_;
    std::string in_flight_;
    std::optional<Delivery> delivery_;  // of in_flight_, not looked at yet
    std::string last_problem_;
    bool told_disk_ = false;  // that the disk refuses
    MailerCounters counters_;
    // A delivery may end after we are gone.
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace mainstay::alert
