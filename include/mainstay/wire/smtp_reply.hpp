// The replies of an SMTP server, RFC 5321 section 4.2: lines of three digits and a text, the last one without a '-'.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kSmtpLineMax = 512;   // without its line feed; RFC 5321 section 4.5.3.1.5
inline constexpr std::size_t kSmtpLinesMax = 128;  // of one reply

struct SmtpReply {
    bool sound = true;  // false: this is no reply, or one beyond the limits
    unsigned code = 0;  // of a sound one
    std::string text;   // its last line
};

class SmtpReplyReader {
public:
    // A reply once it is whole; what comes behind it in `bytes` is passed over, as nothing may before the next command.
    [[nodiscard]] std::optional<SmtpReply> feed(std::string_view bytes);

private:
    std::string line_;
    std::size_t lines_ = 0;
};

}  // namespace mainstay::wire
