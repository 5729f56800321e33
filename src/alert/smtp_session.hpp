// One blocking SMTP dialogue with libcurl. Private to the alert module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/alert/http.hpp"
#include "mainstay/alert/mailer.hpp"
#include "mainstay/alert/smtp_transcript.hpp"

namespace mainstay::alert {

// The server that libcurl connects to, and the name it sends in HELO: smtp[s]://HOST:PORT/HELO.
[[nodiscard]] std::string url_of(const Transport::Server& server);

// Returns when the dialogue has ended, a step has timed out, or `stop` was called (a name lookup may go on for some
// seconds after that). `transcript`, if it is not null, gets the dialogue while it happens.
[[nodiscard]] Delivery run_session(const Transport::Server& server, const Mail& mail, const std::string& message,
                                   SessionStop& stop, SmtpTranscript* transcript = nullptr);

// The result of an SMTP dialogue for each recipient. Pure; private to the alert module.

inline constexpr std::size_t kReplyLineBytesMax = 512;  // RFC 5321 4.5.3.1.5

// Commands and replies in their order. Fed with the bytes as they pass; keeps a bounded part of each line.
class SmtpDialogue {
public:
    void sent(std::string_view bytes);      // one command line
    void received(std::string_view bytes);  // any piece of the server's replies

    // `failure`: why the transfer ended early, empty when it ran to its end. Order of the recipients is that of the
    // RCPT commands (RFC 5321 3.3).
    [[nodiscard]] Delivery outcome(const std::vector<std::string>& recipients, const std::string& failure) const;

private:
    struct Exchange {
        std::string verb;  // "" for the greeting, "MAIL", "RCPT", "DATA", "." for what follows the message
        int code = 0;      // 0: no reply came
        std::string text;
    };
    void reply_line(std::string_view line);

    std::vector<Exchange> exchanges_{Exchange{}};
    std::string partial_;
};

}  // namespace mainstay::alert
