#include "mainstay/wire/smtp_reply.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::wire {
namespace {

constexpr std::size_t kDigits = 3;

}  // namespace

std::optional<SmtpReply> SmtpReplyReader::feed(std::string_view bytes) {
    for (;;) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        if (line_.size() + part.size() > kSmtpLineMax) return SmtpReply{.sound = false, .code = 0, .text = {}};
        line_ += part;
        if (end == std::string_view::npos) return std::nullopt;
        bytes.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        const std::string line = std::exchange(line_, {});
        const bool numbered = line.size() >= kDigits && std::all_of(line.begin(), line.begin() + kDigits, is_digit);
        if (!numbered || ++lines_ > kSmtpLinesMax) return SmtpReply{.sound = false, .code = 0, .text = line};
        const char behind = line.size() == kDigits ? ' ' : line[kDigits];
        if (behind == '-') continue;
        lines_ = 0;
        const unsigned code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
        return SmtpReply{.sound = behind == ' ', .code = code, .text = line};
    }
}

}  // namespace mainstay::wire
