#include "questions.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace mainstay::lvs {
namespace {

// Keywords without a member that affect the evaluation of an answer, not the request.
constexpr std::array<std::string_view, 5> kOfTheAnswer{"rise", "fall", "share_probe", "fast_recovery",
                                                       "cert_expiry_warning"};

bool is_of_the_answer(const config::KeywordValue& value) {
    return std::ranges::find(kOfTheAnswer, value.keyword) != kOfTheAnswer.end();
}

// The values are sorted by keyword.
bool same_rest(const config::ExtraSettings& left, const config::ExtraSettings& right) {
    auto a = left.values.begin();
    auto b = right.values.begin();
    const auto skip = [](auto& at, const auto& end) {
        while (at != end && is_of_the_answer(*at)) ++at;
    };
    while (true) {
        skip(a, left.values.end());
        skip(b, right.values.end());
        if (a == left.values.end() || b == right.values.end()) break;
        if (*a != *b) return false;
        ++a, ++b;
    }
    return a == left.values.end() && b == right.values.end() && left.sections == right.sections;
}

}  // namespace

bool same_question(const config::Checker& left, const config::Checker& right) {
    return left.type == right.type && left.target == right.target && left.bind == right.bind &&
           left.bind_if == right.bind_if && left.misc_path == right.misc_path && left.urls == right.urls &&
           left.http_protocol == right.http_protocol && left.enable_sni == right.enable_sni &&
           left.sni_name == right.sni_name && same_rest(*left.more, *right.more);
}

bool same_probe(const config::Checker& left, const config::Checker& right) {
    return same_question(left, right) && left.delay_loop == right.delay_loop && left.retry == right.retry &&
           left.delay_before_retry == right.delay_before_retry && left.connect_timeout == right.connect_timeout &&
           left.misc_timeout == right.misc_timeout && left.misc_dynamic == right.misc_dynamic;
}

}  // namespace mainstay::lvs
