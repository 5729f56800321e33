// Parses lines with a grammar of their own: lines of virtual_routes and the like, and keywords such as lvs_sync_daemon.
// Their words are schema rows too: options, which have names, and positions, which have none. The argument of an option
// may be a line itself (a route's nexthop): it extends to the first word that only the enclosing line knows.

#include <algorithm>
#include <array>

#include "parser.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kMostNested = 3;  // a route, a nexthop, an encap

class LineReader {
public:
    LineReader(ParseContext& r, const KeywordSpec& owner, const Statement& s, std::size_t first)
        : r_{r}, owner_{owner}, s_{s}, at_{first} {}

    bool read(Block block, Section& out) {
        open_.front() = {block, &out, 0};
        while (at_ < s_.words.size()) {
            const std::string_view word = s_.words[at_].text;
            if (const KeywordSpec* row = find_option(top().block, word); row != nullptr && !begins_with_name())
                option(*row);
            else if (!position())
                unknown(word);
        }
        while (leave()) {
        }
        check_positions();
        return good_;
    }

private:
    struct Level {
        Block block = Block::None;
        Section* section = nullptr;
        std::uint32_t used = 0;  // bit mask of filled positions
    };
    Level& top() { return open_[depth_]; }
    // Leaves the innermost line; false if it is the only one.
    bool leave() {
        if (depth_ == 0) return false;
        check_positions();
        --depth_;
        return true;
    }

    // keepalived (2.2.7): a tracker with an unknown word, or a weight without its number, is dropped; one with a wrong
    // number has no weight of its own.
    bool is_tracker() const {
        const Block block = open_.front().block;
        return block == Block::TrackInterfaces || block == Block::TrackScripts || block == Block::OtherTrackers;
    }

    // A name may look like an option: the first word of a line that begins with a name is the name.
    bool begins_with_name() {
        const auto positions = positions_of(top().block);
        return top().used == 0 && top().section->values.empty() && !positions.empty() &&
               positions[0]->args.takes == Takes::Word && positions[0]->args.words_min != 0;
    }

    void option(const KeywordSpec& row) {
        const Mark mark = s_.words[at_].mark;
        ++at_;
        announce(row, mark);
        if (row.args.takes == Takes::Line && depth_ + 1 < kMostNested) {
            Section& section = top().section->sections.emplace_back(Section{.keyword = std::string{row.name}});
            open_[++depth_] = {row.args.opens, &section, 0};
            return;
        }
        value(row, mark);
    }

    void announce(const KeywordSpec& row, Mark mark) {
        if (!row.deprecated.empty() && r_.reported.insert(&row).second)
            r_.diag.warn(Code::Deprecated, mark, fmt::format("{} of {} is deprecated", row.name, owner_.name)).fix =
                fmt::format("write {}", row.deprecated);
    }

    // Parses the value at at_ of an option or a position. An invalid one is reported and skipped.
    void value(const KeywordSpec& row, Mark keyword) {
        Value value{.row = row, .statement = s_, .first = at_};
        if (at_ >= s_.words.size() && row.args.words_min != 0) return missing(row, keyword);
        if (at_ == 1 && row.name.starts_with('<') && !is_block(owner_.args.takes)) value.owner = owner_.name;
        const bool read = read_value(r_, value);
        at_ = value.stop;
        if (read && value.named && row.args.any_name)
            r_.named_numbers.push_back({&row, std::string{value.word}, s_.words[at_ - 1].mark});
        if (read && !repeated(row, keyword)) return keep(r_, top().section->values, value);
        if (read) return;
        if (owner_.strict_line || row.name.starts_with('<')) drop_line();
    }

    // Whether a repeated word makes the line invalid. Otherwise the later one is used, as keepalived silently does.
    bool repeated(const KeywordSpec& row, Mark mark) {
        KeywordValues& values = top().section->values;
        const auto earlier =
            std::ranges::find_if(values, [&](const KeywordValue& v) { return means_the_same(row, v.keyword); });
        if (earlier == values.end() || row.name.starts_with('<')) return false;
        if (row.repeat == Repeat::Refused) {
            r_.diag.error(Code::GivenTwice, mark, fmt::format("a line of {} has one action, not 2", owner_.name));
            drop_line();
            return true;
        }
        if (row.repeat != Repeat::LastWins) return false;
        std::string message = fmt::format("{} was given before in this line", row.name);
        if (earlier->keyword != row.name) message += fmt::format(", as {}", earlier->keyword);
        r_.diag.advise(Code::GivenTwice, mark, std::move(message)).effect = "the later one is used";
        values.erase(earlier);
        return false;
    }

    bool means_the_same(const KeywordSpec& row, std::string_view word) {
        const auto thing = [](const KeywordSpec& one) { return one.same_as.empty() ? one.name : one.same_as; };
        const KeywordSpec* other = find_option(top().block, word);
        return other != nullptr && thing(*other) == thing(row);
    }

    // The last reported problem makes the whole line invalid; a setter still gets what is left of its keyword's line.
    void drop_line() {
        good_ = false;
        if (is_tracker() && !s_.words.empty()) r_.dropped_trackers.emplace(s_.words[0].text);
        const bool set = owner_.set != nullptr && !owner_.from_store;
        if (r_.diag.last() < r_.diag.entries().size())
            r_.diag.entries()[r_.diag.last()].diagnostic.effect = is_block(owner_.args.takes) ? "the line is ignored"
                                                                  : set                       ? "the word is ignored"
                                                                        : "the keyword is ignored";
    }

    // Uses the word for the first position that it matches; false if there is none left.
    bool position() {
        const auto positions = positions_of(top().block);
        std::size_t at = 0, blame = positions.size();
        for (; at < positions.size(); ++at) {
            if (used(at)) {
                blame = positions.size();  // positions before this one cannot follow any more
                continue;
            }
            if (positions[at]->args.words_min != 0 || fits(*positions[at])) break;
            const bool better = blame == positions.size() || positions[blame]->args.takes == Takes::OneOf;
            if (better) blame = at;
        }
        // It matches no position and does not look like an option: report it as an invalid value of the position.
        if (at == positions.size() && nearest_option(top().block, s_.words[at_].text).empty() && depth_ == 0)
            at = blame;
        if (at == positions.size()) return false;
        top().used |= 1U << at;
        value(*positions[at], s_.words[at_].mark);
        return true;
    }
    [[nodiscard]] bool used(std::size_t position) { return (top().used >> position & 1U) != 0; }

    // Only for optional positions.
    [[nodiscard]] bool fits(const KeywordSpec& row) const {
        ParseContext quiet{r_.environment, r_.snapshot};
        Value value{.row = row, .statement = s_, .first = at_};
        return read_value(quiet, value);
    }

    void unknown(std::string_view word) {
        if (leave()) return;
        const auto near = nearest_option(top().block, word);
        auto& d = r_.diag.error(Code::UnknownWord, s_.words[at_].mark,
                                fmt::format("'{}' is not an option of {}", word, owner_.name));
        d.effect = "the word is ignored";
        ++at_;
        const std::size_t equals = word.find('=');
        if (equals != std::string_view::npos && find_option(top().block, word.substr(0, equals)) != nullptr)
            d.fix = fmt::format("write `{} {}`", word.substr(0, equals), word.substr(equals + 1));
        else if (!near.empty())
            d.fix = fmt::format("did you mean `{}`?", near);
        else if (find_option(top().block, "via") != nullptr && IpAddress::parse(word))
            d.fix = fmt::format("write `via {}`", word);
        else if (find_option(top().block, "via") == nullptr && Prefix::parse(word))
            d.fix = "one address per line";
        else if (find_option(top().block, "weight") != nullptr && whole_number(word, INT32_MIN, INT32_MAX))
            d.fix = fmt::format("write `weight {}`", word);
        if (owner_.strict_line || is_tracker()) drop_line();
        if (equals != std::string_view::npos) return;
        // Probably the argument of the option before it, which is misspelt or none: not reported separately.
        if (at_ == s_.words.size() || find_option(top().block, s_.words[at_].text) != nullptr) return;
        const KeywordSpec* meant = near.empty() ? nullptr : find_option(top().block, near);
        const bool takes_one = meant != nullptr ? meant->args.words_min != 0
                                                : begins_with_letter(word) && !begins_with_letter(s_.words[at_].text);
        if (takes_one) ++at_;
    }

    void missing(const KeywordSpec& row, Mark mark) {
        std::string message = row.name.starts_with('<') ? fmt::format("a line of {} needs {}", owner_.name, row.name)
                                                        : fmt::format("{} of {} has no value", row.name, owner_.name);
        const bool stops = row.missing == Missing::Stops;
        auto& d = missing_word(r_.diag, row, mark, std::move(message));
        if (!row.form.empty() && !row.name.starts_with('<')) d.expected = fmt::format("{} {}", row.name, row.form);
        d.effect = stops ? "this configuration cannot run" : "the word is ignored";
        if (!stops && (owner_.strict_line || is_tracker() || row.name.starts_with('<'))) drop_line();
        if (stops) good_ = false;
    }

    // Reports required words that are missing.
    void check_positions() {
        const auto positions = positions_of(top().block);
        for (std::size_t at = 0; good_ && at < positions.size(); ++at)
            if (positions[at]->args.words_min != 0 && !used(at)) missing(*positions[at], s_.words.back().mark);
    }

    ParseContext& r_;
    const KeywordSpec& owner_;
    const Statement& s_;
    std::size_t at_;
    std::array<Level, kMostNested> open_{};
    std::size_t depth_ = 0;
    bool good_ = true;
};

// keepalived reads an address and its port, or a mark and its family, of a line of a server group, and no other word.
std::size_t words_that_count(Block words, const Statement& s, std::size_t first) {
    const std::size_t all = s.words.size();
    if (words != Block::ServerGroup || first + 1 >= all || s.words[first + 1].text == "fwmark") return all;
    return std::min(all, first + (s.words[first].text == "fwmark" ? 3 : 2));
}

}  // namespace

bool read_line(ParseContext& r, const KeywordSpec& owner, const Statement& s, std::size_t first, Block words,
               Section& out) {
    const std::size_t end = words_that_count(words, s, first);
    if (end == s.words.size()) return LineReader{r, owner, s, first}.read(words, out);
    r.diag
        .advise(Code::SurplusWords, s.words[end].mark,
                fmt::format("surplus words in a line of {}, from '{}' on", owner.name, s.words[end].text))
        .effect = "they are ignored";
    Statement line = s;
    line.words.resize(end);
    return LineReader{r, owner, line, first}.read(words, out);
}

}  // namespace mainstay::config
