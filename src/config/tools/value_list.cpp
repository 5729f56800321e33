#include "value_list.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <variant>

#include "config/schema/value_store.hpp"

namespace mainstay::config {
namespace {

constexpr const char* kNone = "none";

const KeywordSpec* spec_of(Block block, std::string_view keyword) {
    if (const KeywordSpec* row = find_row(block, keyword)) return row;
    if (const KeywordSpec* row = find_option(block, keyword)) return row;
    for (const KeywordSpec* row : positions_of(block))
        if (row->name.size() > 2 && row->name.substr(1, row->name.size() - 2) == keyword) return row;
    return nullptr;
}

bool is_secret_value(Block block, std::string_view keyword) {
    const KeywordSpec* row = spec_of(block, keyword);
    return row != nullptr && row->secret;
}

// What a director is worse off without.
bool is_missed(std::string_view keyword) {
    return keyword.starts_with("track_") || keyword == "unicast_peer" || keyword.ends_with("_CHECK") ||
           keyword.ends_with("_GET");
}

std::string data_text(const KeywordSpec* row, const KeywordData& data) {
    if (const auto* numbers = std::get_if<IntegerList>(&data)) {
        const bool joined = row != nullptr && row->args.joiner != 0;
        std::vector<std::string> parts;
        for (const std::int64_t number : *numbers)
            parts.push_back(row != nullptr && row->args.hex ? fmt::format("{:02x}", number) : std::to_string(number));
        return fmt::format("{}", fmt::join(parts, joined ? std::string{row->args.joiner} : " "));
    }
    if (const auto* prefix = std::get_if<Prefix>(&data)) return prefix->to_string();
    if (const auto* time = std::get_if<Micros>(&data); row != nullptr && time != nullptr)
        if (row->args.takes == Takes::Millis) return std::to_string(time->count() / 1000);
    if (const auto* number = std::get_if<std::int64_t>(&data); row != nullptr && number != nullptr)
        if (row->name == keyword::umask.text) return fmt::format("{:03o}", *number);
    return std::visit(
        [](const auto& value) -> std::string {
            if constexpr (requires { value_text(value); })
                return value_text(value);
            else
                return {};
        },
        data);
}

// The words of a line, as it would be written.
std::string words_of_line(Block block, const Section& line) {
    std::vector<std::string> words = line.names;
    for (const KeywordValue& value : line.values) {
        const bool by_name = find_option(block, value.keyword) != nullptr;
        const bool flag = std::holds_alternative<bool>(value.data);
        if (by_name || flag) words.push_back(value.keyword);
        if (!flag) words.push_back(data_text(spec_of(block, value.keyword), value.data));
    }
    for (const Section& inner : line.sections) {
        const KeywordSpec* row = spec_of(block, inner.keyword);
        words.push_back(inner.keyword);
        words.push_back(words_of_line(row != nullptr ? row->args.opens : block, inner));
    }
    return fmt::format("{}", fmt::join(words, " "));
}

std::string with_names(const Section& section) {
    std::string text = section.keyword;
    for (const std::string& name : section.names) text += " " + name;
    return text;
}

const ValueList::Entry* entry_of(const ValueList& list, std::string_view keyword) {
    const auto found = std::ranges::find(list.entries(), keyword, &ValueList::Entry::keyword);
    return found == list.entries().end() ? nullptr : &*found;
}

// Whether it is in a block that only one of the two sides has, which is said of the whole.
bool is_in_other(const ValueList& list, const ValueList& other, std::string_view keyword) {
    return std::ranges::any_of(list.entries(), [&](const ValueList::Entry& entry) {
        return entry.item && keyword.size() > entry.keyword.size() && keyword.starts_with(entry.keyword) &&
               keyword[entry.keyword.size()] == ' ' && entry_of(other, entry.keyword) == nullptr;
    });
}

bool is_other(const ValueList::Entry& before, const ValueList::Entry& after) {
    return before.text != after.text && !(before.follows && after.follows);
}

std::string shown_text(const std::string& text, const std::string& other) {
    if (!text.empty()) return text;
    return other == "on" ? "off" : kNone;
}

// Null: it is not there.
Difference difference_of(const ValueList::Entry* before, const ValueList::Entry* after) {
    const ValueList::Entry& one = after != nullptr ? *after : *before;
    const std::string old_text = before != nullptr ? before->text : "", new_text = after != nullptr ? after->text : "";
    const bool gone = one.item ? after == nullptr : new_text.empty();
    const bool came = one.item ? before == nullptr : old_text.empty();
    Difference result{.keyword = one.keyword, .text = {}, .now = {}, .worse = gone && (one.secret || one.missed)};
    if (one.item || one.secret)
        if (gone || came) {
            result.text = one.keyword + (gone ? " removed" : " added");
            return result;
        }
    if (one.secret) {
        result.text = one.keyword + " changed";
        return result;
    }
    result.now = shown_text(new_text, old_text);
    result.text = fmt::format("{} {} -> {}", one.keyword, shown_text(old_text, new_text), result.now);
    return result;
}

}  // namespace

std::string value_text(Micros time) { return format_micros(time.count()); }

std::string value_text(const IpAddress& address) { return address.empty() ? std::string{} : address.to_string(); }

std::string value_text(const std::string& word) {
    return word.find_first_of(" \t") == std::string::npos ? word : "\"" + word + "\"";
}

std::string value_text(const WordList& words) {
    std::vector<std::string> texts;
    for (const std::string& word : words) texts.push_back(value_text(word));
    return fmt::format("{}", fmt::join(texts, " "));
}

std::string value_text(const Command& command) {
    std::string text = value_text(command.argv);
    for (const std::string* account : {&command.user, &command.group})
        if (!text.empty() && !account->empty()) text += (account == &command.user ? " as " : ":") + *account;
    return text;
}

std::string value_text(const MailAddress& address) { return address.address; }

void ValueList::append(Entry entry) {
    const auto have = std::ranges::find(entries_, entry.keyword, &Entry::keyword);
    if (have == entries_.end())
        entries_.push_back(std::move(entry));
    else if (!entry.text.empty())
        have->text += (have->text.empty() ? "" : ", ") + entry.text;  // given several times
}

void ValueList::put(std::string_view keyword, std::string text) {
    if (text.empty()) return;
    append({.keyword = prefix_ + std::string{keyword},
            .text = std::move(text),
            .secret = is_secret_value(block_, keyword)});
}

void ValueList::item(std::string_view keyword, std::string_view name, std::string text) {
    append({.keyword = fmt::format("{}{}{}{}", prefix_, keyword, name.empty() ? "" : " ", name),
            .text = std::move(text),
            .item = true,
            .missed = is_missed(keyword)});
}

void ValueList::more(const ExtraSettings& settings) {
    for (const KeywordValue& value : settings.values) {
        const auto* words = std::get_if<WordList>(&value.data);
        const bool bare = words != nullptr && words->empty();
        put(value.keyword, bare ? "on" : data_text(spec_of(block_, value.keyword), value.data));
    }
    for (const Section& one : settings.sections) section(one);
}

void ValueList::section(const Section& one) {
    const KeywordSpec* row = spec_of(block_, one.keyword);
    if (row != nullptr && row->args.takes == Takes::Line) {
        const std::string words = words_of_line(row->args.opens, one);
        return put(one.keyword, words.empty() ? "on" : words);
    }
    const Block block = row != nullptr ? row->args.opens : block_;
    if (row != nullptr && row->args.takes == Takes::Entries) {
        if (!one.names.empty()) item(with_names(one), {});
        for (const KeywordValue& value : one.values)
            item(with_names(one), data_text(spec_of(block, value.keyword), value.data));
        for (const Section& line : one.sections) item(with_names(one), words_of_line(block, line));
        return;
    }
    item(with_names(one), {});
    inside(block, with_names(one), [&] { more({one.values, one.sections}); });
}

void ValueList::add_own(std::string_view keyword, Micros time, Micros followed) {
    append({.keyword = prefix_ + std::string{keyword}, .text = value_text(time), .follows = time == followed});
}

Differences compare(const ValueList& before, const ValueList& after) {
    Differences result;
    for (const auto& entry : before.entries())
        if (entry_of(after, entry.keyword) == nullptr && !is_in_other(before, after, entry.keyword))
            result.push_back(difference_of(&entry, nullptr));
    for (const auto& entry : after.entries()) {
        const auto* old = entry_of(before, entry.keyword);
        if (old != nullptr ? is_other(*old, entry) : !is_in_other(after, before, entry.keyword))
            result.push_back(difference_of(old, &entry));
    }
    worse_first(result);
    return result;
}

void worse_first(Differences& differences) {
    std::ranges::stable_partition(differences, [](const Difference& one) { return one.worse; });
}

}  // namespace mainstay::config
