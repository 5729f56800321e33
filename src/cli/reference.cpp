// Turns schema rows into readable reference: ranges in words, examples, and whether a keyword has an effect.
#include "reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::cli {
namespace {

using config::Block;
using config::KeywordSpec;
using config::Takes;

constexpr std::int64_t kMicrosPerSecond = 1'000'000, kMicrosPerMilli = 1'000;

bool ends_with_path(std::string_view path, std::string_view end) {
    return path == end || (path.ends_with(end) && path[path.size() - end.size() - 1] == '/');
}

std::string decimal(std::int64_t micros, std::int64_t unit) {
    std::string text = fmt::format("{}.{:06}", micros / unit, micros % unit * (kMicrosPerSecond / unit));
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string range(const KeywordSpec& row, std::int64_t unit) {
    const auto shown = [&](std::int64_t number) {
        return unit == 1 ? fmt::format("{}", number) : decimal(number, unit);
    };
    if (row.args.high == config::kUnlimited) return fmt::format("{} or more", shown(row.args.low));
    return fmt::format("{} to {}", shown(row.args.low), shown(row.args.high));
}

// ---- examples ----

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t number = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return number;
}

// What stands for "<ifname, max 15 chars>": a word that could really stand there.
std::string sample_of(std::string_view shape) {
    struct Sample {
        std::string_view begins, word;
    };
    static constexpr std::array kSamples{
        Sample{"ifname", "eth0"},
        Sample{"if>", "eth0"},
        Sample{"interface", "eth0"},
        Sample{"ip", "192.0.2.10"},
        Sample{"multicast", "224.0.0.18"},
        Sample{"path", "/etc/keepalived/NAME"},
        Sample{"dir", "/etc/keepalived"},
        Sample{"instance", "VI_1"},
        Sample{"vrrp instance", "VI_1"},
        Sample{"address", "admin@example.com"},
        Sample{"script", "/etc/keepalived/check.sh"},
        Sample{"dns name", "www.example.com"},
        Sample{"user", "nobody"},
        Sample{"port", "80"},
        Sample{"cpu", "0"},
        Sample{"encap options", "dst 192.0.2.1"},
        Sample{"to>", "10"},
        Sample{"start", "1024"},
        Sample{"max>", "4096"},
        Sample{"id", "100"},
        Sample{"time", "200ms"},
        Sample{"scope", "link"},
        Sample{"action", "blackhole"},
        Sample{"vrf", "vrf1"},
        Sample{"quoted", "\"text\""},
        Sample{"hex", "00ff"},
        Sample{"u32", "1"},
        Sample{"u64", "1"},
        Sample{"name", "NAME"},
        Sample{"string max 15", "eth0:1"},
        Sample{"string", "text"},
        Sample{"option", "caseless"},
        Sample{"IPv4 multicast", "224.0.0.18"},
        Sample{"IPv6 multicast", "ff02::12"},
        Sample{"int -", "-20"},
    };
    for (const auto& sample : kSamples)
        if (shape.starts_with(sample.begins)) return std::string{sample.word};
    // "<int -253..253>", "<100..599>"
    const std::size_t digit = shape.find_first_of("-0123456789");
    const std::size_t dots = shape.find("..");
    if (digit < dots && dots != std::string_view::npos) return std::string{shape.substr(digit, dots - digit)};
    return shape.starts_with("int") ? "1" : "NAME";
}

// The end of the first piece of a form: a blank outside of brackets, which nest.
std::size_t end_of_piece(std::string_view form) {
    int depth = 0;
    for (std::size_t i = 0; i < form.size(); ++i) {
        if (form[i] == '<' || form[i] == '[') ++depth;
        if (form[i] == '>' || form[i] == ']') --depth;
        if (form[i] == ' ' && depth == 0) return i;
    }
    return form.size();
}

// "<port>-<port>": what is in angles becomes a sample, what is in brackets is left out, the first choice is taken.
std::string word_for(std::string_view piece) {
    std::string word;
    while (!piece.empty() && piece.front() != '|') {
        const char c = piece.front();
        if (c != '<' && c != '[') {
            word += c;
            piece.remove_prefix(1);
            continue;
        }
        std::size_t end = 0;
        for (int depth = 0; end < piece.size(); ++end) {
            if (piece[end] == '<' || piece[end] == '[') ++depth;
            if ((piece[end] == '>' || piece[end] == ']') && --depth == 0) break;
        }
        if (c == '<') word += sample_of(piece.substr(1));
        piece.remove_prefix(std::min(end + 1, piece.size()));
    }
    return word;
}

// Words for a form: what is optional is left out, of several choices the first is taken.
std::string words_for(std::string_view form) {
    std::string words;
    while (!form.empty()) {
        const std::string_view piece = form.substr(0, end_of_piece(form));
        form.remove_prefix(std::min(piece.size() + 1, form.size()));
        if (piece.starts_with("..")) continue;
        if (piece.starts_with('{') || piece.starts_with('|')) break;
        const std::string word = word_for(piece);
        if (!word.empty()) words += (words.empty() ? "" : " ") + word;
    }
    return words;
}

std::string number_for(const KeywordSpec& row, std::int64_t unit) {
    const std::string_view shown = row.default_text.substr(0, row.default_text.find_first_of(" ;,"));
    if (const auto number = number_of(shown);
        number && *number > 0 && *number * unit >= row.args.low && *number * unit <= row.args.high)
        return std::string{shown};
    const std::int64_t wanted = std::clamp(10 * unit, row.args.low, row.args.high);
    return unit == 1 ? fmt::format("{}", wanted) : decimal(wanted, unit);
}

std::string example_line(const KeywordSpec& row) {
    if (!row.example.empty()) return std::string{row.example};
    std::string words;
    switch (row.args.takes) {
        case Takes::Flag:
            break;
        case Takes::Bool:
            words = row.default_text.starts_with("on") ? "off" : "on";
            break;
        case Takes::Integer:
        case Takes::WholeSeconds:
            words = number_for(row, 1);
            break;
        case Takes::Seconds:
            words = number_for(row, kMicrosPerSecond);
            break;
        case Takes::Millis:
            words = number_for(row, kMicrosPerMilli);
            break;
        case Takes::OneOf:
            words = row.args.choices.substr(0, row.args.choices.find('|'));
            break;
        case Takes::Address:
            words = words_for(row.form.empty() ? "<ip>" : row.form);
            break;
        case Takes::Command:
            words = "\"/etc/keepalived/notify.sh argument\"";
            break;
        default:
            words = words_for(row.form);
            break;
    }
    return words.empty() ? std::string{row.name} : fmt::format("{} {}", row.name, words);
}

// What a word of an entry stands behind, in the blocks whose entries have words.
std::string_view entry_of(Block block) {
    switch (block) {
        case Block::VirtualAddresses:
        case Block::StaticAddresses:
            return "192.0.2.10/24";
        case Block::VirtualRoutes:
        case Block::StaticRoutes:
            return "198.51.100.0/24";
        case Block::VirtualRules:
        case Block::StaticRules:
            return "from 198.51.100.0/24 preference 200";
        case Block::UnicastPeers:
            return "192.0.2.2";
        case Block::TrackInterfaces:
            return "eth0";
        case Block::TrackScripts:
            return "check_haproxy";
        case Block::OtherTrackers:
            return "NAME";
        default:
            return {};
    }
}

// A rule has one action, and this is one.
bool is_action(std::string_view word) {
    static constexpr std::array<std::string_view, 8> kActions{"table",     "lookup",      "goto",     "nop",
                                                              "blackhole", "unreachable", "prohibit", "l3mdev"};
    return std::ranges::find(kActions, word) != kActions.end();
}

// "(address entry)", "<entry>": not a word that anybody writes.
bool is_shape(std::string_view name) { return name.starts_with('(') || name.starts_with('<'); }

bool is_block(const KeywordSpec& row) { return config::is_block(row.args.takes); }

}  // namespace

std::vector<KeywordPlace> places_of(std::string_view name) {
    std::string_view path;
    if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) {
        path = name.substr(0, slash);
        name = name.substr(slash + 1);
    }
    std::vector<KeywordPlace> places;
    for (const auto table : config::schema())
        for (const KeywordSpec& row : table)
            for (std::size_t b = 0; row.name == name && b < kBlocks; ++b) {
                const auto block = static_cast<Block>(b);
                if (row.blocks.has(block) && (path.empty() || ends_with_path(config::path_of(block), path)))
                    places.push_back({&row, block});
            }
    return places;
}

std::vector<std::string_view> all_keywords() {
    std::vector<std::string_view> names;
    for (const auto table : config::schema())
        for (const KeywordSpec& row : table)
            if (!is_shape(row.name)) names.push_back(row.name);
    std::ranges::sort(names);
    const auto twice = std::ranges::unique(names);
    names.erase(twice.begin(), twice.end());
    return names;
}

std::string_view nearest_of_all(std::string_view name) {
    std::string choices;
    const auto names = all_keywords();
    for (const auto known : names) choices += (choices.empty() ? "" : "|") + std::string{known};
    const std::string found{config::nearest_choice(choices, name.substr(name.rfind('/') + 1))};
    const auto at = std::ranges::lower_bound(names, std::string_view{found});
    return found.empty() || at == names.end() ? std::string_view{} : *at;
}

const KeywordSpec* opener_of(Block block) {
    const Block parent = config::parent_of(block);
    if (parent == Block::None) return nullptr;
    for (const KeywordSpec* row : config::rows_of(parent))
        if (row->args.opens == block) return row;
    const std::string_view path = config::path_of(block);
    return config::find_row(parent, path.substr(path.rfind('/') + 1));
}

bool acts_in(const KeywordPlace& place) {
    const KeywordSpec& row = *place.row;
    if (!config::is_acted_on(row)) return false;
    for (Block block = place.block; block != Block::None; block = config::parent_of(block))
        if (const KeywordSpec* opener = opener_of(block); opener != nullptr && !config::is_acted_on(*opener))
            return false;
    return true;
}

std::string takes_text(const KeywordSpec& row) {
    const std::string bare = row.args.bare_is_allowed ? "; optional" : "";
    switch (row.args.takes) {
        case Takes::Flag:
            return "nothing";
        case Takes::Bool:
            return "on, true, yes, off, false or no; nothing means on";
        case Takes::Integer:
            return fmt::format("a whole number, {}{}", range(row, 1), bare);
        case Takes::Seconds:
            return fmt::format("seconds, up to six decimals, {}{}", range(row, kMicrosPerSecond), bare);
        case Takes::WholeSeconds:
            return fmt::format("whole seconds, {}{}", range(row, 1), bare);
        case Takes::Millis:
            return fmt::format("milliseconds, decimals allowed, {}{}", range(row, kMicrosPerMilli), bare);
        case Takes::OneOf: {
            std::string list{row.args.choices};
            for (std::size_t at = 0; (at = list.find('|', at)) != std::string::npos;) list.replace(at, 1, ", ");
            return "one of " + list;
        }
        case Takes::Address:
            return "an IP address";
        case Takes::AddressRange:
            return "an IP address, a range of them or a prefix";
        case Takes::Prefix:
            return "an IP address with or without a prefix length";
        case Takes::Duration:
            return "a time with s or ms behind it, or a number in the kernel's unit";
        case Takes::Command:
            return "a command, in quotes if it has arguments; then a user and a group, if wanted";
        case Takes::Opens:
            return "a block of keywords";
        case Takes::Entries:
            return "a block with one entry a line";
        case Takes::Items:
            return "a block of words";
        case Takes::Entry:
            return row.form.empty() ? "nothing" : "as shown above";
        case Takes::NumberList:
            return fmt::format("whole numbers, {}", range(row, 1));
        case Takes::Word:
        case Takes::Line:
            break;
    }
    if (row.form.empty()) return "nothing";
    return row.args.words_min == 0 ? "words as shown above; optional" : "words as shown above";
}

std::string help_of(const KeywordSpec& row) {
    if (row.home.empty()) return std::string{row.help};
    return fmt::format("In {}: {}{}", row.home, lower(row.help.front()), row.help.substr(1));
}

namespace {

// Of a keyword that has no effect under every opener of its block. Else null.
const KeywordSpec* home_of(const KeywordPlace& place) {
    const auto name = place.row->home.substr(0, place.row->home.find(' '));
    return name.empty() ? nullptr : config::find_row(config::parent_of(place.block), name);
}

}  // namespace

std::vector<std::string> example_of(const KeywordPlace& place) {
    const KeywordSpec& row = *place.row;
    const bool bare_word = config::is_word_of_line(row) && row.example.empty();
    const std::string_view entry = bare_word ? entry_of(place.block) : std::string_view{};
    if (bare_word && is_shape(row.name)) return {};
    // A word of a keyword's own line: that line shows how it is written. Parts of parts have none.
    const KeywordSpec* around = opener_of(place.block);
    if (bare_word && around != nullptr && !is_block(*around))
        return example_of({around, config::parent_of(place.block)});
    if (bare_word && around == nullptr) return {};
    std::vector<std::string> lines{example_line(row)};
    if (!entry.empty()) lines[0] = fmt::format("{} {}", entry, lines[0]);
    const bool of_rule = place.block == Block::VirtualRules || place.block == Block::StaticRules;
    if (bare_word && of_rule && !is_action(row.name)) lines[0] += row.name == "type" ? " blackhole" : " table 100";
    // A row whose example shows its block already is whole.
    if (is_block(row) && lines[0].find('{') == std::string::npos) {
        lines[0] += " {";
        lines.emplace_back("}");
    }
    if (const KeywordSpec* home = home_of(place); home != nullptr)
        for (const KeywordSpec* other : config::rows_of(place.block))
            if (other != &row && other->default_text == fmt::format("mandatory in {}", home->name))
                lines.push_back(example_line(*other));
    for (Block block = place.block; opener_of(block) != nullptr; block = config::parent_of(block)) {
        const KeywordSpec* home = block == place.block ? home_of(place) : nullptr;
        std::string open = example_line(home != nullptr ? *home : *opener_of(block));
        open = open.substr(0, open.find(" {")) + " {";
        for (auto& line : lines) line.insert(0, "    ");
        lines.insert(lines.begin(), std::move(open));
        lines.emplace_back("}");
    }
    return lines;
}

}  // namespace mainstay::cli
