// The schema: every configuration keyword is one row of constant data. The parser, range and unit errors, suggestions
// of similar keywords and all reference texts are derived from these rows; a keyword is added by adding a row.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace mainstay::config {

// The block in which a keyword is allowed. Each checker has its own.
enum class Block : std::uint8_t {
    None,
    Language,  // not a block: include, $NAME=, @id ... (read by the resolver)
    Root,
    GlobalDefs,
    NotificationEmail,
    TrackGroup,
    StaticAddresses,
    StaticRoutes,
    StaticRules,
    LinkbeatInterfaces,
    InterfaceDelays,
    GarpGroup,
    GarpInterfaces,
    SyncGroup,
    GroupMembers,
    Instance,
    Authentication,
    AuthHmac,
    VirtualAddresses,
    ExcludedAddresses,
    UnicastPeers,
    VirtualRoutes,
    VirtualRules,
    TrackInterfaces,
    TrackScripts,
    OtherTrackers,
    Script,
    TrackProcess,
    TrackFile,
    Bfd,
    Ssl,
    ServerGroup,
    Service,
    RealServer,
    HttpGet,
    SslGet,
    HttpUrl,
    SslUrl,
    TcpCheck,
    SmtpCheck,
    SmtpHost,
    DnsCheck,
    UdpCheck,
    PingCheck,
    MiscCheck,
    FileCheck,
    BfdCheck,
    // not blocks: the words after one keyword, or after a word of an entry's line
    NextHop,
    Encap,
    Tunnel,
    SyncDaemon,
    LvsTimeouts,
    UseVmac,
    UseIpvlan,
    HmacKey,
    // blocks again
    GrpcCheck,
    AgentCheck,
    Announce,
    kCount,
};

class BlockSet {
public:
    constexpr BlockSet() = default;
    constexpr BlockSet(Block block) : bits_{std::uint64_t{1} << static_cast<unsigned>(block)} {}
    [[nodiscard]] constexpr bool has(Block block) const { return (bits_ >> static_cast<unsigned>(block) & 1) != 0; }
    friend constexpr BlockSet operator|(BlockSet a, BlockSet b) {
        a.bits_ |= b.bits_;
        return a;
    }

private:
    std::uint64_t bits_ = 0;
};
constexpr BlockSet operator|(Block a, Block b) { return BlockSet{a} | BlockSet{b}; }

// The path shown to people: "vrrp_instance", "virtual_server/real_server/TCP_CHECK", "(root)".
[[nodiscard]] std::string_view path_of(Block block);
[[nodiscard]] Block parent_of(Block block);  // None for Root and Language

// What follows the keyword.
enum class Takes : std::uint8_t {
    Flag,          // nothing; extra words are ignored
    Bool,          // on|true|yes or off|false|no; bare means on
    Integer,       // low..high; a unit is an error
    Seconds,       // decimal seconds, at most six places; low..high in microseconds
    WholeSeconds,  // an integer of seconds; low..high in seconds
    Millis,        // decimal milliseconds; low..high in microseconds
    Duration,      // a number followed by s or ms, or without a unit: then in the kernel's unit, as in iproute2
    Word,          // words_min..words_max words; high: the most bytes of one, 0 for no limit
    OneOf,         // one of `choices`
    Address,       // an IP address
    AddressRange,  // an address, a prefix without host bits, or a range: 10.0.0.1-9, 10.0.0.1-10.0.0.9, 2001:db8::1-f
    Prefix,        // an IP address with or without a prefix length, or one of `choices`
    NumberList,    // integers of low..high: words_min..words_max words, or parts of one word joined by `joiner`
    Line,          // words and options in one line: the rows of `opens` that are `in_line`
    Command,       // one word, quoted if it has arguments; then a user and a group
    Opens,         // a block of keywords, after words_min..words_max words
    Entries,       // a block with one entry per line, each given to `set`
    Items,         // a block in which every word is an item given to `set`
    Entry,         // not a keyword: describes one word or the shape of an entry (for people)
};

inline constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

struct Args {
    Takes takes = Takes::Flag;
    std::int64_t low = 0, high = 0;
    std::uint8_t words_min = 0, words_max = 0;
    Block opens = Block::None;
    std::string_view choices;      // "MASTER|BACKUP"; for an Integer: words that mean a number
    bool bare_is_allowed = false;  // the argument may be left out (the setter sees Value::absent)
    std::int64_t bare = 0;         // the number that a left-out argument means
    std::string_view lead;         // "all": words that may precede the argument; stored as "<keyword> all"
    std::string_view tail;         // "reverse": words that may follow the argument
    bool any_base = false;         // Integer, NumberList: 0x and a leading 0 as in C
    bool any_name = false;         // Integer, NumberList: also a name that other system files map to a number
    bool any_case = false;         // choices are case-insensitive
    char joiner = 0;               // NumberList: '-' in "1000-2000"; of an Integer's choices: '|' in "IRUSR|IWUSR"
    bool hex = false;              // NumberList: hexadecimal, without 0x
    std::uint8_t parts_min = 1, parts_max = 2;  // of such a word
    bool cut = false;                           // Word: a longer one is truncated
    std::string_view letters;                   // Word: the permitted characters
    bool mail = false;     // Word, Items: mail addresses, which the setter reads from the line as it is written
    bool cpus = false;     // numbers of processors, which this host must have
    bool in_line = false;  // not a keyword: a word of a line. <name>: the line's next word that is not an option
    bool leading = false;  // Integer, WholeSeconds: of "5x" the 5 is used, as keepalived does when it runs
};

struct ParseContext;  // the state of the parser: src/config/schema/parse_context.hpp
struct Value;
using Setter = void (*)(ParseContext& reading, const Value& value);

// A keyword that is given twice.
enum class Repeat : std::uint8_t {
    LastWins,
    FirstWins,
    Accumulates,
    Refused,   // of a word of a line: the line is refused
    Replaces,  // as LastWins, with or without a setter, and told; of a block: as a whole
};

// What keepalived does where a keyword's word is missing.
enum class Missing : std::uint8_t {
    Stops,    // the configuration cannot run (exit 2)
    Ignored,  // the keyword alone is ignored (exit 5)
    Unsaid,   // the same, and nothing is said (exit 0)
};

struct KeywordSpec {
    BlockSet blocks;
    std::string_view name;
    Args args;
    std::string_view form;          // the argument as shown to people, with unit and range
    std::string_view default_text;  // for people
    std::string_view help;          // one line
    Setter set = nullptr;           // null: stored in `more`
    std::string_view deprecated;    // what to write instead
    bool required = false;          // the block is unusable without it: an invalid value is fatal
    Missing missing = Missing::Stops;
    bool from_store = false;           // has an effect without a setter: code reads its value from `more` of the model
    Repeat repeat = Repeat::LastWins;  // Replaces: of any; else of a value without a setter
    bool secret = false;               // the value is never shown, and given only to the role that uses it
    Setter begin = nullptr;            // for a block of lines: called with the words before its {
    // For a block of lines without `set`: called with each line that was parsed by its rows (Value::section). It must
    // store the line itself, unless from_store is set.
    Setter line = nullptr;
    bool strict_line = false;         // an invalid word makes the whole line invalid, not only the word
    std::string_view same_as;         // its synonym; a keyword's value, not that of a word of a line, is stored as that
    bool old_name_is_silent = false;  // keepalived silently accepts the deprecated keyword: exit code 0
    // An example where `form` is not sufficient: from the keyword on, or a whole line.
    std::string_view example;
    // Of a row whose block is opened by several keywords: those of them under which it has an effect, as "NAME and
    // NAME". Empty: under all.
    std::string_view home;
};

namespace args {
inline constexpr std::int64_t kMost31 = 2'147'483'647, kMost32 = 4'294'967'295;
constexpr Args flag() { return {.takes = Takes::Flag}; }
constexpr Args boolean() { return {.takes = Takes::Bool, .words_max = 1}; }
constexpr Args integer(std::int64_t low, std::int64_t high) {
    return {.takes = Takes::Integer, .low = low, .high = high, .words_min = 1, .words_max = 1};
}
constexpr Args seconds(std::int64_t low_us, std::int64_t high_us) {
    return {.takes = Takes::Seconds, .low = low_us, .high = high_us, .words_min = 1, .words_max = 1};
}
constexpr Args millis(std::int64_t low_us, std::int64_t high_us) {
    return {.takes = Takes::Millis, .low = low_us, .high = high_us, .words_min = 1, .words_max = 1};
}
constexpr Args whole_seconds(std::int64_t low, std::int64_t high) {
    return {.takes = Takes::WholeSeconds, .low = low, .high = high, .words_min = 1, .words_max = 1};
}
constexpr Args whole_seconds_or_bare(std::int64_t low, std::int64_t high) {
    return {.takes = Takes::WholeSeconds, .low = low, .high = high, .words_max = 1, .bare_is_allowed = true};
}
constexpr Args words(std::uint8_t least, std::uint8_t most) {
    return {.takes = Takes::Word, .words_min = least, .words_max = most};
}
constexpr Args one_of(std::string_view choices, std::uint8_t most = 1) {
    return {.takes = Takes::OneOf, .words_min = 1, .words_max = most, .choices = choices};
}
constexpr Args with_choices(Args args, std::string_view choices, bool any_case = false) {
    args.choices = choices, args.any_case = any_case;
    return args;
}
constexpr Args or_name(Args args, std::string_view known = {}) {
    args.choices = known, args.any_name = true;
    return args;
}
constexpr Args any_base(Args args) {
    args.any_base = true;
    return args;
}
constexpr Args with_lead(Args args, std::string_view lead) {
    args.lead = lead, ++args.words_max;
    return args;
}
constexpr Args with_tail(Args args, std::string_view tail) {
    args.tail = tail, ++args.words_max;
    return args;
}
constexpr Args leading(Args args) {
    args.leading = true;
    return args;
}
constexpr Args bare_means(Args args, std::int64_t number) {
    args.words_min = 0, args.bare_is_allowed = true, args.bare = number;
    return args;
}
constexpr Args optional(Args args) {
    args.words_min = 0, args.bare_is_allowed = true;
    return args;
}
// A word of a line, not a keyword.
constexpr Args option(Args args) {
    args.in_line = true;
    return args;
}
// A word of at most that many bytes: a longer one is refused, or truncated.
constexpr Args short_word(std::int64_t most, bool cut = false) {
    return {.takes = Takes::Word, .high = most, .words_min = 1, .words_max = 1, .cut = cut};
}
constexpr Args of_letters(Args args, std::string_view letters) {
    args.letters = letters;
    return args;
}
constexpr Args duration(std::int64_t high) {
    return {.takes = Takes::Duration, .high = high, .words_min = 1, .words_max = 1};
}
constexpr Args prefix(std::string_view choices = {}) {
    return {.takes = Takes::Prefix, .words_min = 1, .words_max = 1, .choices = choices};
}
constexpr Args numbers(std::int64_t low, std::int64_t high, std::uint8_t least, std::uint8_t most) {
    return {.takes = Takes::NumberList, .low = low, .high = high, .words_min = least, .words_max = most};
}
constexpr Args cpus(std::int64_t high) {
    Args set = numbers(0, high, 1, 255);
    set.cpus = true;
    return set;
}
constexpr Args joined(std::int64_t low, std::int64_t high, char joiner, std::uint8_t parts_min) {
    return {.takes = Takes::NumberList,
            .low = low,
            .high = high,
            .words_min = 1,
            .words_max = 1,
            .joiner = joiner,
            .parts_min = parts_min};
}
// "100/200/300"
constexpr Args labels(std::int64_t low, std::int64_t high) {
    Args args = joined(low, high, '/', 1);
    args.parts_max = 16;
    return args;
}
// Groups of hexadecimal digits separated by colons: a MAC address, an ILA locator.
constexpr Args hex_groups(std::int64_t high, std::uint8_t least, std::uint8_t most) {
    Args args = joined(0, high, ':', least);
    args.parts_max = most, args.hex = true;
    return args;
}
constexpr Args line(Block words, std::uint8_t least = 1, std::uint8_t most = 255) {
    return {.takes = Takes::Line, .words_min = least, .words_max = most, .opens = words};
}
constexpr Args address_range() { return {.takes = Takes::AddressRange, .words_min = 1, .words_max = 1}; }
constexpr Args address() { return {.takes = Takes::Address, .words_min = 1, .words_max = 1}; }
constexpr Args command() { return {.takes = Takes::Command, .words_min = 1, .words_max = 3}; }
constexpr Args opens(Block block, std::uint8_t least = 0, std::uint8_t most = 0) {
    return {.takes = Takes::Opens, .words_min = least, .words_max = most, .opens = block};
}
constexpr Args entries(Block block, std::uint8_t names = 0) {
    return {.takes = Takes::Entries, .words_min = names, .words_max = names, .opens = block};
}
constexpr Args mail_addresses(Args args) {
    args.mail = true;
    return args;
}
constexpr Args items(Block block) { return {.takes = Takes::Items, .opens = block}; }
constexpr Args entry() { return {.takes = Takes::Entry}; }
}  // namespace args

// Whether a row describes a word or the shape of an entry's line, not a keyword.
[[nodiscard]] constexpr bool is_word_of_line(const KeywordSpec& row) {
    return row.args.takes == Takes::Entry || row.args.in_line;
}
// Whether the lines of the keyword's block are values, not keywords.
[[nodiscard]] constexpr bool is_list(Takes takes) { return takes == Takes::Entries || takes == Takes::Items; }
[[nodiscard]] constexpr bool is_block(Takes takes) { return takes == Takes::Opens || is_list(takes); }
// Whether the keyword has an effect; otherwise it is only parsed and stored, which is reported once.
[[nodiscard]] constexpr bool is_acted_on(const KeywordSpec& row) {
    return row.set != nullptr || row.line != nullptr || row.from_store || row.args.takes == Takes::Opens ||
           is_word_of_line(row);
}

// All rows, in no particular order.
[[nodiscard]] std::span<const std::span<const KeywordSpec>> schema();
// The row of `block` with this name; null if there is none.
[[nodiscard]] const KeywordSpec* find_row(Block block, std::string_view name);
// The rows of one block, sorted by name. Words of lines are left out.
[[nodiscard]] std::span<const KeywordSpec* const> rows_of(Block block);
// The block whose lines have the same words as those of this block, in addition to its own rows; None if there is none.
[[nodiscard]] Block lines_as(Block block);
// The word with that name of this block's lines; null if there is none. Words in angle brackets have no name.
[[nodiscard]] const KeywordSpec* find_option(Block block, std::string_view name);
// The words of this block's lines: options sorted by name, and unnamed words in their order.
[[nodiscard]] std::span<const KeywordSpec* const> options_of(Block block);
[[nodiscard]] std::span<const KeywordSpec* const> positions_of(Block block);
[[nodiscard]] std::string_view nearest_option(Block block, std::string_view name);
// The keyword of this block that is most similar to `name`; empty if none is similar enough.
[[nodiscard]] std::string_view nearest_keyword(Block block, std::string_view name);
// The choice of "a|b|c" that is most similar to `word`; empty if none is similar enough.
[[nodiscard]] std::string_view nearest_choice(std::string_view choices, std::string_view word);

// Of interface and drain_interface, where they are not configured.
inline constexpr std::string_view kAnnounceInterface = "ms-vip";

}  // namespace mainstay::config
