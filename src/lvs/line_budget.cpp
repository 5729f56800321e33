#include "line_budget.hpp"

#include <fmt/format.h>

namespace mainstay::lvs {
namespace {

constexpr Nanos kWindow{1'000'000'000};

}  // namespace

std::vector<LogLine> LineBudget::look(Instant now) {
    std::vector<LogLine> lines;
    if (!began_ || now - *began_ < kWindow) return lines;
    if (left_out_ != 0) {
        lines.push_back(
            {LogLevel::Warning, fmt::format("{} log lines of the last second were suppressed: {} servers went down and "
                                            "{} came up; mainstayctl status shows their states and the reasons",
                                            left_out_, down_, up_)});
    }
    began_.reset();
    logged_ = left_out_ = down_ = up_ = 0;
    return lines;
}

bool LineBudget::allows(const LogLine& line, Instant now) {
    if (!began_) began_ = now;
    if (line.level < LogLevel::Notice) return true;
    if (logged_ < kLinesPerSecondMax) {
        ++logged_;
        return true;
    }
    ++left_out_;
    ++left_out_in_all_;
    return false;
}

void LineBudget::changed(bool up, Instant now) {
    if (!began_) began_ = now;
    ++(up ? up_ : down_);
}

std::optional<Instant> LineBudget::deadline() const {
    return left_out_ == 0 ? std::nullopt : std::optional{*began_ + kWindow};
}

}  // namespace mainstay::lvs
