// Replies of an SMTP server, RFC 5321 section 4.2: lines of three digits and a text, with a '-' between them in all but
// the last line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kSmtpLineMax = 512;   // without its line feed; RFC 5321 section 4.5.3.1.5
inline constexpr std::size_t kSmtpLinesMax = 128;  // of one reply

struct SmtpReply {
    bool sound = true;  // false: malformed or beyond the limits
    unsigned code = 0;  // valid if `sound`
    std::string text;   // its last line
};

class SmtpReplyReader {
public:
    // Returns the reply once it is complete. Bytes after it are ignored: a server must not send any before the next
    // command.
    [[nodiscard]] std::optional<SmtpReply> feed(std::string_view bytes);

private:
    std::string line_;
    std::size_t lines_ = 0;
};

}  // namespace mainstay::wire
