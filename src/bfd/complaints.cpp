#include "complaints.hpp"

#include <fmt/format.h>

namespace mainstay::bfd {

std::optional<LogLine> Complaints::line(Complaint kind, std::string_view text, Instant now) {
    Kind& k = kinds_[static_cast<std::size_t>(kind)];
    if (k.last && now < *k.last + kEvery) {
        ++k.silent;
        return std::nullopt;
    }
    std::string line{text};
    if (k.silent > 0) line += fmt::format(" (and {} more since the last such message)", k.silent);
    k = {.last = now, .silent = 0};
    return LogLine{LogLevel::Warning, std::move(line)};
}

}  // namespace mainstay::bfd
