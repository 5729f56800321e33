// From events to delivered mails: composes, spools, merges a storm into a digest, retries, gives up.
//
// It has no timer: the observer calls pump() every second and when a delivery ends. One mail is delivered at a time, to
// the first relay that can be reached. One that cannot be is left out for 5 s, 10 s and so on up to 5 min; while that
// is so of all of them, all mails wait. A mail that the server defers (4xx) is retried with the same delays by itself;
// the others are delivered meanwhile.
//
// More than kPlainMailsPerMinute mails in a minute are held for kHoldFor and sent as one digest; so are more than that
// many that wait for a server.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "clock_steps.hpp"
#include "mail.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/report/deliveries.hpp"
#include "selection.hpp"
#include "spool.hpp"

namespace mainstay::alert {

inline constexpr std::size_t kPlainMailsPerMinute = 20;
inline constexpr Seconds kHoldFor{60};
inline constexpr Seconds kRetryFirst{5}, kRetryLast{300};
inline constexpr Seconds kKeepFor{3 * 86'400};  // then a mail is moved to failed/; [mail] keep sets another time

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
        // StartTls: the session is encrypted before anything is said (RFC 3207), or there is none. Implicit: from the
        // first byte (RFC 8314). The server's certificate must be valid for `name`.
        enum class Tls : std::uint8_t { Off, StartTls, Implicit } tls = Tls::Off;
        std::string ca_file;         // PEM with the authorities to trust; empty: the system's
        std::string user, password;  // with a user: AUTH (RFC 4954), never without TLS
        bool operator==(const Server&) const = default;
    };
    virtual void send(const Server& server, const Mail& mail, std::string message,
                      std::function<void(Delivery)> done) = 0;
};

// What mainstay.toml says of mails.
struct MailSettings {
    Seconds keep = kKeepFor;  // how long a mail that cannot be delivered is retried
    // In the order of preference, instead of the configuration's smtp_server, whose helo_name and timeout they have.
    std::vector<Transport::Server> relays;
};

// A waiting or failed mail, for operators.
struct QueuedMail {
    enum class State : std::uint8_t {
        Waiting,
        Sending,     // to a relay, now
        Collecting,  // for a digest
        Failed,
    } state = State::Waiting;
    std::string id, subject;
    std::size_t alerts = 1;  // more than one: a digest
    WallTime queued;
    std::vector<std::string> to;      // who has not got it yet
    std::uint32_t tries = 0;          // of this incarnation of the observer; a failed mail: unknown
    std::string answer;               // the last one of a relay, or what failed
    std::optional<Seconds> next_try;  // from now; none: there will be no next one
};
// A mail that an operator sends to try the relays.
struct TestMail {
    std::vector<Transport::Server> relays;
    Mail mail;
    std::string message;
};

class Mailer {
public:
    // `wake` is called when a delivery has ended: call pump() soon, but not from within `wake`.
    Mailer(Spool spool, Transport& transport, Log& log, std::function<void()> wake);

    // Mail is enabled if both a server and recipients are configured; waiting mails are kept while it is disabled.
    void configure(const config::Global& global, const MailHost& host, MailSettings settings = {});
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

    // ---- for operators (mail_queue.cpp) ----
    // The waiting mails, the oldest first, and then the failed ones, which are read from the disk.
    [[nodiscard]] std::vector<QueuedMail> queue(Instant now) const;
    // The next pump() tries these mails, whenever they were due; failed ones wait again, as if they were new. Returns
    // a line about each. An error: nothing was changed.
    [[nodiscard]] Result<std::vector<std::string>> retry(const Selection& which, WallTime wall);
    [[nodiscard]] Result<std::vector<std::string>> drop(const Selection& which);
    // No recipients: those of the configuration.
    [[nodiscard]] Result<TestMail> test_mail(const std::vector<std::string>& to, WallTime wall) const;
    // A relay took the test mail: the next pump() tries what waits for a relay, and without such a mail there is no
    // problem any more.
    void relay_accepted();

    [[nodiscard]] bool sending() const { return !in_flight_.empty(); }
    [[nodiscard]] const Spool& spool() const { return spool_; }
    [[nodiscard]] report::MailCounters counters() const;
    // For people: why the last attempt failed; empty after a success.
    [[nodiscard]] const std::string& last_problem() const { return last_problem_; }

private:
    struct Attempts {
        std::uint32_t failures = 0;
        Instant next{};
        std::string answer;
    };
    struct Selected {
        std::vector<std::string> waiting;
        std::vector<FailedMail> failed;
        [[nodiscard]] bool empty() const { return waiting.empty() && failed.empty(); }
    };
    Result<Selected> select(const Selection& which) const;
    QueuedMail queued_mail(const Mail& mail, Instant now) const;
    bool admit(Instant now);
    Result<void> store(const std::vector<Mail>& plain, const std::vector<Mail>& held, Instant now);
    Result<void> store_one(const Mail& mail);
    void release_held(Instant now);
    void expire(WallTime wall);
    void merge_backlog();
    void merge_waiting(const std::vector<std::string>& ids);
    std::optional<std::string> next_due(Instant now) const;
    std::optional<std::size_t> relay_due(Instant now) const;
    Seconds next_attempt_in(Instant now) const;
    void start(const std::string& id, std::size_t relay);
    void ended(const std::string& id, const Delivery& delivery, Instant now);
    void refused(const Mail& mail, const Delivery& delivery);
    void settle(Mail mail, const Delivery& delivery, Instant now);
    void finish(const std::string& id);
    void forget_problem();  // when nothing waits for a relay any more

    Spool spool_;
    Transport& transport_;
    Log& log_;
    std::function<void()> wake_;
    config::Global global_;
    MailHost host_;
    Seconds keep_ = kKeepFor;
    std::vector<Transport::Server> relays_;
    std::deque<Instant> admitted_;   // times of the mails of the last minute
    std::vector<std::string> held_;  // ids that wait for the digest
    Instant held_until_{};
    std::map<std::string, Attempts> attempts_;
    std::vector<Attempts> relay_attempts_;  // in the order of relays_
    ClockSteps clock_;
    std::string in_flight_;
    std::size_t in_flight_relay_ = 0;
    Transport::Server in_flight_server_;
    std::optional<Delivery> delivery_;  // result of in_flight_, not processed yet
    std::string last_problem_;
    bool logged_disk_ = false;        // the spool's failure was logged
    bool logged_not_failed_ = false;  // so was that of its failed folder
    report::MailCounters counters_;
    // A delivery may end after this object is destroyed.
    Lifetime lifetime_;
};

}  // namespace mainstay::alert
