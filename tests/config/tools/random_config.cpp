#include "random_config.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace mainstay::config::testing {
namespace {

using namespace std::literals;

constexpr std::size_t kMostRows = 12;  // of one block

// Words that are hard on one language or the other.
constexpr std::array kWords{"eth0"sv,
                            "a"sv,
                            "x.y"sv,
                            "\"a b\""sv,
                            "\"# no comment\""sv,
                            "\"!\""sv,
                            "\"{}\""sv,
                            "\"//x\""sv,
                            "it's"sv,
                            "a\\b"sv,
                            "\\#x"sv,
                            "\"$x\""sv,
                            "\"${y}\""sv,
                            "\"@z\""sv,
                            "\"~w\""sv,
                            "007"sv,
                            "-5"sv,
                            "true"sv,
                            "=[]"sv,
                            "\xc3\xa9t\xc3\xa9"sv,
                            "\"\""sv,
                            "on"sv,
                            "1.0"sv,
                            "\" lead\""sv,
                            "\"tab\there\""sv,
                            "'q'"sv,
                            "a=b,c"sv,
                            "\"back\\slash\""sv};
constexpr std::array kAddresses{"192.0.2.1"sv, "192.0.2.77"sv,  "198.51.100.3"sv, "2001:db8::1"sv,
                                "fe80::2"sv,   "203.0.113.9"sv, "10.0.0.1"sv,     "224.0.0.18"sv};
constexpr std::array kCommands{"/bin/true"sv,
                               "\"/bin/x a b\""sv,
                               "\"/bin/x 'a b' c\""sv,
                               "\"/bin/x \\x22q\\x22\""sv,
                               "'/bin/x y'"sv,
                               "\"/bin/x a\\\\b '' $HOME #z\""sv,
                               "\"/bin/x \\t\\n\\101 !\""sv,
                               "\"/bin/x ${_NONE} {a}\""sv,
                               "/bin/x"sv,
                               "\"/x ''\""sv};
// Lines of blocks whose grammar is a setter's.
const std::map<Block, std::vector<std::string_view>> kEntries{
    {Block::VirtualAddresses,
     {"192.0.2.10", "192.0.2.11/24", "192.0.2.12/24 dev eth1 label eth1:1", "2001:db8::10/64",
      "192.0.2.13 brd + scope link no_track", "192.0.2.14/28 brd 192.0.2.15 noprefixroute"}},
    {Block::ExcludedAddresses, {"198.51.100.10/24 dev eth2", "2001:db8:1::1", "198.51.100.11"}},
    {Block::UnicastPeers, {"192.0.2.2", "192.0.2.3 min_ttl 254", "192.0.2.4 min_ttl 1 max_ttl 5"}},
    {Block::TrackInterfaces, {"eth0", "eth1 weight 5", "eth2 weight -10 reverse"}},
    {Block::TrackScripts, {"N1", "N2 weight 20", "N3 weight -20 reverse"}},
};

}  // namespace

std::string RandomConfig::text() {
    out_.clear();
    block(Block::Root, 0);
    return out_;
}

void RandomConfig::comment(std::size_t depth) {
    if (chance(8)) out_ += std::string(depth * 2, ' ') + (chance(50) ? "# " : "!") + "said: \"x\" \\ { $a\n";
}

void RandomConfig::block(Block block, std::size_t depth) {
    const auto rows = rows_of(block);
    const auto wanted = [](const KeywordSpec* row) {
        return row->required || row->default_text == "required" || row->name == "interface" ||
               row->name == "virtual_ipaddress" || row->name == "real_server" || row->name == "protocol";
    };
    for (const KeywordSpec* row : rows)
        if (block != Block::Root && wanted(row) && chance(90)) keyword(*row, depth);
    if (block == Block::Root)  // what the model is mostly made of
        for (const std::string_view name : {"vrrp_script"sv, "vrrp_instance"sv, "virtual_server"sv})
            keyword(*find_row(block, name), depth);
    for (std::size_t i = below(kMostRows); i > 0 && !rows.empty(); --i) {
        const KeywordSpec& row = *one_of(rows);
        // TOML has no form for a second list of members, which is ignored with an error: one is above.
        if (row.args.takes == Takes::Items && row.begin != nullptr) continue;
        // TOML has no way to say in what order values that add up alternate with others.
        if (row.repeat != Repeat::Accumulates || is_block(row.args.takes)) keyword(row, depth);
    }
    for (const KeywordSpec* row : rows)
        if (row->repeat == Repeat::Accumulates && !is_block(row->args.takes))
            for (std::size_t i = below(3); i > 0; --i) keyword(*row, depth);
}

void RandomConfig::keyword(const KeywordSpec& row, std::size_t depth) {
    comment(depth);
    out_ += std::string(depth * 2, ' ');
    if (is_block(row.args.takes)) return opened(row, depth);
    std::string words = words_of(row);
    out_ += std::string{row.name} + (words.empty() ? "" : " ") + words + (chance(8) ? "   # behind\n" : "\n");
}

void RandomConfig::opened(const KeywordSpec& row, std::size_t depth) {
    out_ += row.name;
    if (row.args.words_max == 1) out_ += " N" + std::to_string(++names_);
    if (row.args.words_max == 2)
        out_ += row.name == "virtual_server" && chance(20)
                    ? " fwmark " + number(1, 500)
                    : " " + std::string{one_of(kAddresses)} + (chance(80) ? " 80" : "");
    out_ += chance(5) ? " {  # here\n" : " {\n";
    if (row.args.takes == Takes::Opens) {
        block(row.args.opens, depth + 1);
    } else {
        for (std::size_t i = below(3) + 1; i > 0; --i) {
            comment(depth + 1);
            out_ += std::string(depth * 2 + 2, ' ') + entry(row) + (chance(8) ? " # entry\n" : "\n");
        }
        comment(depth + 1);
    }
    out_ += std::string(depth * 2, ' ') + "}\n";
}

std::string RandomConfig::entry(const KeywordSpec& row) {
    if (const auto known = kEntries.find(row.args.opens); known != kEntries.end())
        return std::string{one_of(known->second)};
    if (row.args.takes == Takes::Items) return "N" + number(1, 4) + (chance(30) ? " b@example.com" : "");
    const bool any = positions_of(row.args.opens).empty() && options_of(row.args.opens).empty();
    return any ? word(20) + " " + word(20) : line(row.args.opens, 0);
}

// A line of positions and options.
std::string RandomConfig::line(Block block, std::size_t depth) {
    constexpr std::size_t kDeepest = 2;
    std::string text;
    for (const KeywordSpec* row : positions_of(block))
        if (row->args.words_min != 0 || chance(50)) text += " " + arguments(*row);
    const auto options = options_of(block);
    for (std::size_t i = options.empty() ? 0 : below(3); i > 0; --i) {
        const KeywordSpec& row = *one_of(options);
        if (row.args.takes != Takes::Line)
            text += " " + std::string{row.name} + " " + arguments(row);
        else if (depth < kDeepest)
            text += " " + std::string{row.name} + line(row.args.opens, depth + 1);
    }
    while (text.starts_with(' ')) text.erase(0, 1);
    return text.empty() ? "x" : text;
}

std::string RandomConfig::words_of(const KeywordSpec& row) {
    if (row.args.words_min == 0 && chance(40)) return {};
    std::string words = arguments(row);
    if (!row.args.lead.empty() && chance(40)) words = choice(row.args.lead) + " " + words;
    if (!row.args.tail.empty() && chance(40)) words += " " + choice(row.args.tail);
    return words;
}

std::string RandomConfig::arguments(const KeywordSpec& row) {
    const auto several = [&](auto make) {
        const std::size_t least = std::max<std::size_t>(row.args.words_min, 1);
        const std::size_t most = std::min<std::size_t>(row.args.words_max, least + 2);
        std::string words;
        for (std::size_t i = 0; i < least + below(most - std::min(most, least) + 1); ++i)
            words += (i == 0 ? "" : " ") + make();
        return words;
    };
    switch (row.args.takes) {
        case Takes::Flag:
            return chance(5) ? "surplus" : "";
        case Takes::Bool:
            return choice("on|off|true|false|yes|no");
        case Takes::Integer:
            if (!row.args.choices.empty() && chance(40)) return choice(row.args.choices);
            return chance(5) ? word(10) : number(row.args.low, row.args.high);
        case Takes::WholeSeconds:
            return number(row.args.low, row.args.high);
        case Takes::Seconds:
            return decimal(row.args.low, row.args.high);
        case Takes::Millis:
            return number(row.args.low / 1000 + 1, std::min<std::int64_t>(row.args.high / 1000, 100'000));
        case Takes::Duration:
            return number(0, row.args.high) + (chance(30) ? "ms" : "");
        case Takes::OneOf:
            return choice(row.args.choices);
        case Takes::Address:
            return address();
        case Takes::AddressRange:
            return choice("10.0.0.7|10.0.0.1-9|10.0.0.1-10.0.0.4|10.0.0.16/28|2001:db8::1-f");
        case Takes::Prefix:
            if (!row.args.choices.empty() && chance(30)) return choice(row.args.choices);
            return address() + (chance(50) ? "/24" : "");
        case Takes::NumberList:
            return several([&] {
                std::string text = number(row.args.low, row.args.high);
                if (row.args.joiner != 0) text += row.args.joiner + number(row.args.low, row.args.high);
                return text;
            });
        case Takes::Line:
            return line(row.args.opens, 0);
        case Takes::Command:
            return command();
        case Takes::Word:
            if (!row.example.empty() && chance(50))
                if (const std::size_t blank = row.example.find(' '); blank != std::string_view::npos)
                    return std::string{row.example.substr(blank + 1)};
            return several([&] { return word(static_cast<std::size_t>(row.args.high)); });
        default:
            return {};
    }
}

std::string RandomConfig::number(std::int64_t low, std::int64_t high) {
    const auto small = std::min<std::int64_t>(high - low, 200);
    if (chance(10)) return std::to_string(high);
    return std::to_string(low + static_cast<std::int64_t>(below(static_cast<std::size_t>(small) + 1)));
}

std::string RandomConfig::decimal(std::int64_t low, std::int64_t high) {
    constexpr std::int64_t kMost = 900'000'000;
    const std::int64_t us =
        low + static_cast<std::int64_t>(below(static_cast<std::size_t>(std::min(high - low, kMost)) + 1));
    if (chance(40)) return std::to_string(std::max<std::int64_t>(us / 1'000'000, 1));
    std::string part = std::to_string(us % 1'000'000);
    return std::to_string(us / 1'000'000) + "." + std::string(6 - part.size(), '0') + part;
}

std::string RandomConfig::word(std::size_t most) {
    for (int i = 0; i < 5; ++i)
        if (const std::string_view text = one_of(kWords); most == 0 || text.size() <= most) return std::string{text};
    return "w";
}

std::string RandomConfig::choice(std::string_view choices) {
    std::vector<std::string_view> all;
    while (!choices.empty()) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        all.push_back(choices.substr(0, bar));
        choices.remove_prefix(std::min(bar + 1, choices.size()));
    }
    return all.empty() ? "x" : std::string{one_of(all)};
}

std::string RandomConfig::address() { return std::string{one_of(kAddresses)}; }

std::string RandomConfig::command() {
    return std::string{one_of(kCommands)} + (chance(30) ? " root" : "") + (chance(15) ? " root wheel" : "");
}

}  // namespace mainstay::config::testing
