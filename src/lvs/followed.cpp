#include "mainstay/lvs/followed.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {
namespace {

// keepalived: a product at or below this value means that the server is down.
constexpr std::int64_t kDownAt = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kMostDelta = std::numeric_limits<std::int32_t>::max();

// Saturates: a file may hold any number.
std::int64_t product(std::int64_t number, const FileRule& rule) {
    const std::int64_t factor = rule.reverse ? -rule.weight : rule.weight;
    std::int64_t result = 0;
    if (!__builtin_mul_overflow(number, factor, &result)) return result;
    return (number < 0) == (factor < 0) ? std::numeric_limits<std::int64_t>::max()
                                        : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

FileRule rule_of(const config::Checker& checker, FileRule of_block) {
    const auto& values = checker.more->values;
    const auto weight = config::value_of(values, config::keyword::weight);
    if (!weight) return of_block;
    return {*weight, config::has_word(values, config::keyword::weight, "reverse")};
}

std::string_view followed_name(const config::Checker& checker) {
    if (!is_followed(checker.type)) return {};
    const bool file = checker.type == config::Checker::Type::File;
    const auto& values = checker.more->values;
    const std::string* name =
        file ? find_word(values, config::keyword::track_file) : find_word(values, config::keyword::name);
    return name != nullptr ? std::string_view{*name} : std::string_view{};
}

CheckFinished file_result(CheckerId id, const config::RealServer& server, const config::Checker& checker, FileRule rule,
                          std::int64_t number) {
    rule = rule_of(checker, rule);
    CheckFinished result{.checker = id, .reason = "the file says " + std::to_string(number), .weight = {}};
    if (rule.weight == 0) {
        result.outcome = (number != 0) != rule.reverse ? Outcome::Failed : Outcome::Passed;
        return result;
    }
    const std::int64_t delta = product(number, rule);
    if (delta <= kDownAt)
        result.outcome = Outcome::Failed;
    else
        result.weight = std::int64_t{server.weight} + std::min(delta, kMostDelta);
    return result;
}

std::optional<CheckFinished> known_result(const config::RealServer& server, const config::Checker& checker,
                                          const HostFacts& host) {
    if (checker.type != config::Checker::Type::File) return std::nullopt;
    const auto known = std::ranges::find(host.files, followed_name(checker), &FileNumber::name);
    if (known == host.files.end()) return std::nullopt;
    return file_result(0, server, checker, known->rule, known->number);
}

std::int64_t part_of_weight(std::int64_t configured, std::uint32_t percent) {
    constexpr std::int64_t kWhole = 100;
    if (configured == 0 || percent == 0) return 0;
    return std::max<std::int64_t>((configured * percent + kWhole / 2) / kWhole, 1);
}

std::int64_t AskedWeight::of(std::int64_t configured) const {
    return percent ? part_of_weight(configured, static_cast<std::uint32_t>(value)) : value;
}

CheckFinished bfd_result(CheckerId id, bool up) {
    return {.checker = id,
            .outcome = up ? Outcome::Passed : Outcome::Failed,
            .reason = up ? "the session is up" : "the session is down",
            .weight = {}};
}

}  // namespace mainstay::lvs
