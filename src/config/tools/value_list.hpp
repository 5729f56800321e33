// The values of an object of the model as texts under their keywords, and the comparison of two such lists.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/compact.hpp"
#include "mainstay/config/tools/differences.hpp"

namespace mainstay::config {

[[nodiscard]] std::string value_text(Micros time);  // in seconds
[[nodiscard]] std::string value_text(const IpAddress& address);
[[nodiscard]] std::string value_text(const std::string& word);
[[nodiscard]] std::string value_text(const WordList& words);
[[nodiscard]] std::string value_text(const Command& command);
[[nodiscard]] std::string value_text(const MailAddress& address);
[[nodiscard]] inline std::string value_text(Seconds time) { return std::to_string(time.count()); }
[[nodiscard]] inline std::string value_text(bool on) { return on ? "on" : "off"; }
template <std::integral T>
[[nodiscard]] std::string value_text(T number) {
    return std::to_string(+number);
}
// Of none: empty.
template <class T>
[[nodiscard]] std::string value_text(const std::optional<T>& value) {
    return value ? value_text(*value) : std::string{};
}
template <class T>
[[nodiscard]] std::string value_text(const CompactOptional<T>& value) {
    return value_text(*value);
}

class ValueList {
public:
    explicit ValueList(Block block) : block_{block} {}

    template <class T>
    void add(std::string_view keyword, const T& value) {
        put(keyword, value_text(value));
    }
    void put(std::string_view keyword, std::string text);  // empty: it is not given
    // A time that is another keyword's where the file does not say: it changes with that one, which is shown then.
    void add_own(std::string_view keyword, Micros time, Micros followed);
    // An entry of a list, which comes or goes as a whole; `text` is what else is said of it.
    void item(std::string_view keyword, std::string_view name, std::string text = {});
    // Keywords without a member in the model.
    void more(const ExtraSettings& settings);
    // A block inside, all of whose values stand behind its name.
    template <class F>
    void inside(Block block, std::string_view name, F&& add_all) {
        const Block outer = std::exchange(block_, block);
        const std::string prefix = prefix_;
        prefix_ += std::string{name} + " ";
        add_all();
        prefix_ = prefix;
        block_ = outer;
    }

    struct Entry {
        std::string keyword;  // with the blocks that it is in
        std::string text;     // empty: not given
        bool secret = false;
        bool item = false;
        bool missed = false;   // it is worse without it
        bool follows = false;  // it equals the value that it follows
    };
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

private:
    void append(Entry entry);
    void section(const Section& one);

    Block block_;
    std::string prefix_;
    std::vector<Entry> entries_;
};

[[nodiscard]] Differences compare(const ValueList& before, const ValueList& after);
// Those that are worse to the front; otherwise the order stays.
void worse_first(Differences& differences);

}  // namespace mainstay::config
