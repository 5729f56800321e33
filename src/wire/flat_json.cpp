#include "mainstay/wire/flat_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace mainstay::wire {
namespace {

void put_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xc0U | point >> 6U);
    } else if (point < 0x10000) {
        put(0xe0U | point >> 12U);
        put(0x80U | (point >> 6U & 0x3fU));
    } else {
        put(0xf0U | point >> 18U);
        put(0x80U | (point >> 12U & 0x3fU));
        put(0x80U | (point >> 6U & 0x3fU));
    }
    put(0x80U | (point & 0x3fU));
}

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : text_{text} {}

    Result<FlatObject> object() {
        FlatObject members;
        if (!take('{')) return wrong("an object was expected");
        if (take('}')) return end(std::move(members));
        do {
            auto name = string();
            if (!name || !take(':')) return wrong("a name and a colon were expected");
            auto read = value();
            if (!read) return wrong("a text, a whole number, true, false or null was expected");
            if (members.size() >= kFlatMembersMax) return wrong("too many members");
            if (std::ranges::find(members, *name, &FlatObject::value_type::first) != members.end())
                return wrong("a name is repeated");
            members.emplace_back(std::move(*name), std::move(*read));
        } while (take(','));
        if (!take('}')) return wrong("a comma or the end of the object was expected");
        return end(std::move(members));
    }

private:
    [[nodiscard]] std::unexpected<Error> wrong(const char* what) const {
        return fail(Errc::Invalid, fmt::format("JSON, byte {}: {}", at_, what));
    }
    Result<FlatObject> end(FlatObject members) {
        blanks();
        if (at_ != text_.size()) return wrong("the end was expected");
        return members;
    }
    void blanks() {
        while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) ++at_;
    }
    bool take(char c) {
        blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    std::optional<FlatValue> value() {
        blanks();
        if (take_word("true")) return FlatValue{true};
        if (take_word("false")) return FlatValue{false};
        if (take_word("null")) return FlatValue{};
        if (at_ < text_.size() && text_[at_] == '"') {
            auto text = string();
            if (!text) return std::nullopt;
            return FlatValue{std::move(*text)};
        }
        std::int64_t number = 0;
        const auto* const first = text_.data() + at_;
        const auto [last, error] = std::from_chars(first, text_.data() + text_.size(), number);
        if (error != std::errc{}) return std::nullopt;
        at_ += static_cast<std::size_t>(last - first);
        if (at_ < text_.size() && std::string_view{".eE"}.find(text_[at_]) != std::string_view::npos)
            return std::nullopt;
        return FlatValue{number};
    }

    std::optional<std::string> string() {
        if (!take('"')) return std::nullopt;
        std::string out;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return out;
            if (static_cast<unsigned char>(c) < ' ') return std::nullopt;
            if (c != '\\') {
                out += c;
            } else if (!escape(out)) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    bool escape(std::string& out) {
        if (at_ >= text_.size()) return false;
        constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
        const char c = text_[at_++];
        if (c == 'u') return unicode(out);
        const auto which = kNames.find(c);
        if (which == std::string_view::npos) return false;
        out += kMeant[which];
        return true;
    }

    std::optional<std::uint32_t> four_digits() {
        std::uint32_t value = 0;
        if (text_.size() - at_ < 4) return std::nullopt;
        const auto* const first = text_.data() + at_;
        if (std::from_chars(first, first + 4, value, 16).ptr != first + 4) return std::nullopt;
        at_ += 4;
        return value;
    }

    bool unicode(std::string& out) {
        auto point = four_digits();
        if (!point || (*point >= 0xdc00 && *point < 0xe000)) return false;
        if (*point >= 0xd800 && *point < 0xdc00) {
            const auto low = take_word("\\u") ? four_digits() : std::nullopt;
            if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
            point = 0x10000 + ((*point - 0xd800) << 10U) + (*low - 0xdc00);
        }
        put_utf8(out, *point);
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Result<FlatObject> flat_json(std::string_view text) { return JsonReader{text}.object(); }

}  // namespace mainstay::wire
