#include "mainstay/probe/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>

#include "mainstay/base/text.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::probe {

namespace keyword = config::keyword;

namespace {

struct Option {
    std::string_view name;
    std::uint32_t bit;
    bool extra = false;  // of the compile context, not of the pattern
};
constexpr std::array kOptions{
    Option{"allow_empty_class", PCRE2_ALLOW_EMPTY_CLASS},
    Option{"alt_bsux", PCRE2_ALT_BSUX},
    Option{"auto_callout", PCRE2_AUTO_CALLOUT},
    Option{"caseless", PCRE2_CASELESS},
    Option{"dollar_endonly", PCRE2_DOLLAR_ENDONLY},
    Option{"dotall", PCRE2_DOTALL},
    Option{"dupnames", PCRE2_DUPNAMES},
    Option{"extended", PCRE2_EXTENDED},
    Option{"firstline", PCRE2_FIRSTLINE},
    Option{"match_unset_backref", PCRE2_MATCH_UNSET_BACKREF},
    Option{"multiline", PCRE2_MULTILINE},
    Option{"never_ucp", PCRE2_NEVER_UCP},
    Option{"never_utf", PCRE2_NEVER_UTF},
    Option{"no_auto_capture", PCRE2_NO_AUTO_CAPTURE},
    Option{"no_auto_possess", PCRE2_NO_AUTO_POSSESS},
    Option{"no_dotstar_anchor", PCRE2_NO_DOTSTAR_ANCHOR},
    Option{"no_start_optimize", PCRE2_NO_START_OPTIMIZE},
    Option{"ucp", PCRE2_UCP},
    Option{"ungreedy", PCRE2_UNGREEDY},
    Option{"utf", PCRE2_UTF},
    Option{"never_backslash_c", PCRE2_NEVER_BACKSLASH_C},
    Option{"alt_circumflex", PCRE2_ALT_CIRCUMFLEX},
    Option{"alt_verbnames", PCRE2_ALT_VERBNAMES},
    Option{"use_offset_limit", PCRE2_USE_OFFSET_LIMIT},
};
constexpr std::size_t kBytesOfCharacter = 4;  // UTF-8, at most: a lookbehind is counted in characters

// keepalived: an unknown name is silently ignored.
std::uint32_t options_of(const std::vector<std::string>& names) {
    std::uint32_t bits = 0;
    for (const auto& name : names) {
        const auto known = std::ranges::find(kOptions, name, &Option::name);
        if (known != kOptions.end()) bits |= known->bit;
    }
    return bits;
}

std::string message_of(int code) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

}  // namespace

std::string regex_unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 1 < text.size())
            plain += unescaped(text, ++at);
        else
            plain += text[at];
    }
    return plain;
}

std::optional<RegexWords> regex_words_of(const config::HttpUrl& url) {
    const auto& values = url.more->values;
    const std::string* pattern = find_word(values, keyword::regex);
    if (pattern == nullptr) return std::nullopt;
    RegexWords words;
    words.pattern = *pattern;
    for (const auto& value : values) {
        const auto* list = std::get_if<config::WordList>(&value.data);
        if (value.keyword == keyword::regex_options && list != nullptr)
            words.options.insert(words.options.end(), list->begin(), list->end());
    }
    words.must_not_match = config::flag(values, keyword::regex_no_match);
    words.min_offset = static_cast<std::uint64_t>(config::value_of(values, keyword::regex_min_offset).value_or(0));
    if (const auto most = config::value_of(values, keyword::regex_max_offset))
        words.max_offset = static_cast<std::uint64_t>(*most);
    if (const auto stack = config::value_of(values, keyword::regex_stack); stack && stack->size() == 2) {
        words.stack_start = static_cast<std::size_t>((*stack)[0]);
        words.stack_max = static_cast<std::size_t>((*stack)[1]);
    }
    return words;
}

struct Regex::Parts {
    pcre2_code* code = nullptr;
    pcre2_match_context* context = nullptr;
    pcre2_jit_stack* stack = nullptr;
    std::size_t behind = 0;  // bytes before its beginning that a match may look at
    ~Parts() {
        pcre2_jit_stack_free(stack);
        pcre2_match_context_free(context);
        pcre2_code_free(code);
    }
};

Regex::Regex(RegexWords words) : parts_{std::make_unique<Parts>()}, words_{std::move(words)} {}
Regex::~Regex() = default;

namespace {

bool is_utf(const RegexWords& words) { return (options_of(words.options) & PCRE2_UTF) != 0; }

Result<pcre2_code*> code_of(const RegexWords& words) {
    const std::string pattern = regex_unescaped(words.pattern);
    int error = 0;
    std::size_t offset = 0;
    // The body may be any bytes: with utf, invalid UTF-8 must not be treated as an error of the call.
    const std::uint32_t options =
        options_of(words.options) | (is_utf(words) ? std::uint32_t{PCRE2_MATCH_INVALID_UTF} : 0U);
    pcre2_code* code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset, nullptr);
    if (code == nullptr)
        return fail(Errc::Invalid,
                    fmt::format("Invalid regex: '{}' at offset {}: {}", pattern, offset, message_of(error)));
    return code;
}

}  // namespace

std::string regex_problem(const config::HttpUrl& url) {
    const auto words = regex_words_of(url);
    if (!words) return {};
    const auto code = code_of(*words);
    if (!code) return code.error().text();
    pcre2_code_free(*code);
    return {};
}

Result<std::shared_ptr<const Regex>> Regex::compile(const RegexWords& words) {
    std::shared_ptr<Regex> regex{new Regex{words}};
    Parts& parts = *regex->parts_;
    const auto code = code_of(words);
    if (!code) return error_of(code);
    parts.code = *code;
    parts.context = pcre2_match_context_create(nullptr);
    if (parts.context == nullptr) return fail(Errc::Limit, "no memory for a regex");
    pcre2_set_match_limit(parts.context, kRegexStepsMax);
    // Without it PCRE2 interprets the pattern: slower, with the same result.
    static_cast<void>(pcre2_jit_compile(parts.code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD));
    if (words.stack_max != 0) {
        parts.stack = pcre2_jit_stack_create(std::max<std::size_t>(words.stack_start, 1), words.stack_max, nullptr);
        if (parts.stack != nullptr) pcre2_jit_stack_assign(parts.context, nullptr, parts.stack);
    }
    std::uint32_t characters = 0;
    pcre2_pattern_info(parts.code, PCRE2_INFO_MAXLOOKBEHIND, &characters);
    // One more, because $ and \b examine the previous character.
    parts.behind = (std::size_t{characters} + 1) * (is_utf(words) ? kBytesOfCharacter : 1);
    return regex;
}

struct RegexMatcher::Data {
    pcre2_match_data* match = nullptr;
    ~Data() { pcre2_match_data_free(match); }
};

RegexMatcher::RegexMatcher(std::shared_ptr<const Regex> regex)
    : regex_{std::move(regex)}, data_{std::make_unique<Data>()} {
    data_->match = pcre2_match_data_create_from_pattern(regex_->parts().code, nullptr);
}
RegexMatcher::~RegexMatcher() = default;

bool RegexMatcher::too_late(std::size_t position) const {
    const auto& latest = regex_->words().max_offset;
    return latest && skipped_ + position > *latest;
}

void RegexMatcher::feed(std::string_view piece) {
    // In portions, so that the window does not exceed its limit.
    while (!piece.empty() && !over_) {
        const auto part = piece.substr(0, kRegexPiece);
        piece.remove_prefix(part.size());
        window_ += part;
        if (window_.size() - looked_ >= kRegexPiece) look(false);
    }
}

void RegexMatcher::end(bool is_cut) {
    if (!over_) look(!is_cut);
    over_ = true;
    window_ = {};
}

void RegexMatcher::look(bool at_end) {
    const auto& words = regex_->words();
    if (data_->match == nullptr) {
        problem_ = "no memory for a match";
        over_ = true;
        return;
    }
    looked_ = window_.size();
    const std::uint64_t earliest = words.min_offset - std::min(words.min_offset, skipped_);
    if (earliest > window_.size()) {  // none may begin yet
        from_ = window_.size();
        if (!at_end) keep_from(from_);
        return;
    }
    from_ = std::min(std::max(from_, static_cast<std::size_t>(earliest)), window_.size());
    if (too_late(from_)) {
        over_ = true;
        return;
    }
    const std::uint32_t options =
        (at_end ? 0U : std::uint32_t{PCRE2_PARTIAL_HARD}) | (skipped_ != 0 ? std::uint32_t{PCRE2_NOTBOL} : 0U);
    const int found = pcre2_match(regex_->parts().code, reinterpret_cast<PCRE2_SPTR>(window_.data()), window_.size(),
                                  from_, options, data_->match, regex_->parts().context);
    const auto* where = pcre2_get_ovector_pointer(data_->match);
    if (found >= 0) {
        matched_ = !too_late(where[0]);
        over_ = true;
    } else if (found == PCRE2_ERROR_PARTIAL) {
        from_ = std::min<std::size_t>(where[0], window_.size());
        keep_from(from_);
    } else if (found == PCRE2_ERROR_NOMATCH) {
        from_ = window_.size();
        keep_from(from_);
    } else {
        problem_ = found == PCRE2_ERROR_MATCHLIMIT ? fmt::format("the regex takes more than {} steps", kRegexStepsMax)
                                                   : fmt::format("the regex: {}", message_of(found));
        over_ = true;
    }
}

// Drops the bytes before `position`, except those that a lookbehind may need.
void RegexMatcher::keep_from(std::size_t position) {
    std::size_t gone = position - std::min(position, regex_->parts().behind);
    if (window_.size() - gone > kRegexWindowMax) {
        window_hit_ = true;  // a partial match is longer than the window and is abandoned
        gone = window_.size() - kRegexPiece;
    }
    window_.erase(0, gone);
    skipped_ += gone;
    from_ = position >= gone ? position - gone : std::min(regex_->parts().behind, window_.size());
    looked_ = window_.size();
}

}  // namespace mainstay::probe
