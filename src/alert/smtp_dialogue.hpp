// The result of an SMTP dialogue for each recipient. Pure; private to the alert module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/alert/mailer.hpp"

namespace mainstay::alert {

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
