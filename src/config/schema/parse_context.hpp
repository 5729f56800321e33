// The state of the parser: the drafts of the model, and what rows and setters read words with. A draft is the model's
// struct plus information about the file: whether a keyword was given, and where.
#pragma once

#include <fmt/format.h>
#include <expected>

#include <algorithm>
#include <deque>
#include <map>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "config/language/diagnoser.hpp"
#include "mainstay/base/compact.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

struct Value {
    const KeywordSpec& row;
    const Statement& statement;
    std::string_view word;                 // the first argument, or the item
    Mark mark;                             // of it, or of the keyword
    bool absent = false;                   // an optional argument was left out
    bool on = false;                       // Bool
    std::int64_t number = 0;               // Integer, WholeSeconds
    Micros time{0};                        // Seconds, WholeSeconds, Millis
    IpAddress address;                     // Address
    Command command;                       // Command
    Prefix prefix;                         // Prefix, AddressRange
    IpAddress range_end;                   // AddressRange: of one that is neither an address nor a prefix
    IntegerList numbers;                   // Numbers
    bool named = false;                    // a word stood in place of the number or the prefix
    std::string_view lead, tail;           // the word before and behind the argument, where the row has such
    KeywordValues* line_values = nullptr;  // of `section`, of a line of a block: a setter may add what the line means
    const Section* section = nullptr;      // Line: what was read
    std::string_view owner;                // of a line's first word: the keyword before it
    std::size_t first = 1;                 // index of the first argument in statement.words
    std::size_t stop = 1;                  // of the first word that does not belong to it
    [[nodiscard]] std::size_t count() const {
        return statement.words.size() > first ? statement.words.size() - first : 0;
    }
    [[nodiscard]] std::string_view arg(std::size_t i) const { return statement.words[first + i].text; }
    [[nodiscard]] Mark arg_mark(std::size_t i) const { return statement.words[first + i].mark; }
};

struct ScriptDraft {
    TrackScript model;
    Mark name;
    std::optional<Micros> timeout;
    Mark command;
    bool account_unknown = false;
    bool used = false;
    bool removed = false;
    bool again = false;  // another one of this name stands above
};

struct TrackerDraft {  // of an interface or a script
    std::string name;
    Mark mark;
    std::optional<int> weight;
    std::optional<bool> reverse;  // its own word, reverse or noreverse
};

struct NotifyMarks {
    Mark master, backup, fault, stop, any, deleted, lower_priority_heard;
    bool operator==(const NotifyMarks&) const = default;
};

// The positions of words of an address, for diagnostics.
struct AddressMarks {
    Mark address;
    Mark device;  // the word after `dev`, else the address
};

// Settings of an instance that override global_defs; rarely used.
struct TimingDraft {
    std::optional<Micros> garp_master_delay, garp_master_refresh, garp_lower_prio_delay;
    std::optional<std::uint32_t> garp_master_repeat, garp_master_refresh_repeat, garp_lower_prio_repeat;
    std::optional<std::uint32_t> down_timer_adverts;
    bool operator==(const TimingDraft&) const = default;
};

// The models under construction, which do not move. They are in chunks that are large enough for the C library to
// return each one's memory to the system, so that tens of thousands of instances are in memory only once.
class InstanceModels {
public:
    static constexpr std::size_t kChunk = 512;

    Instance& add() {
        if (chunks_.empty() || chunks_.back().size() == kChunk) chunks_.emplace_back().reserve(kChunk);
        return chunks_.back().emplace_back();
    }
    // Frees chunks whose models (of drafts 0 to `index`) have been moved away.
    void taken(std::size_t index) {
        if ((index + 1) % kChunk == 0)
            chunks_[index / kChunk] = std::vector<Instance>{};  // `{}` alone would keep its memory
    }

private:
    std::vector<std::vector<Instance>> chunks_;
};

// What a line of track_interface, track_script, track_file ... names.
struct TrackedName {
    std::string_view keyword;
    std::string name;
    Mark mark;
    [[nodiscard]] bool is_same(const TrackedName& other) const {
        return keyword == other.keyword && name == other.name;
    }
};

struct InstanceDraft {
    Instance& model;
    std::size_t index = 0;  // among the drafts
    CompactVector<TrackedName> tracked;
    Mark name, interface, virtual_router_id, state, nopreempt, preempt_delay, authentication, version;
    Mark addresses, unicast, source, advert_int, vmac, multicast_group;
    bool vmac_xmit_base = false;
    bool unicast_keyword = false, source_is_unicast = false, ttl_given = false;
    bool nopreempt_given = false, no_virtual_ipaddress = false, native_ipv6 = false;
    Family family_so_far = Family::None;  // of the first line that shows one
    std::optional<std::uint8_t> priority, version_given;
    std::optional<bool> smtp_alert, strict, skip_check_adv_addr, lower_prio_no_advert, higher_prio_send_advert;
    CompactOptional<TimingDraft> timing;
    CompactVector<TrackerDraft> track_interfaces, track_scripts;
    CompactVector<AddressMarks> address_marks, excluded_marks;
    CompactVector<Mark> peer_marks;
    CompactOptional<NotifyMarks> notify;

    // keepalived: the first line with an address fixes the family, and what stands below it must fit.
    void fix_family(Family family) {
        if (family_so_far == Family::None) family_so_far = family;
    }
};

struct GroupDraft {
    SyncGroup model;
    CompactVector<TrackedName> tracked;
    Mark name;
    std::vector<std::pair<std::string, Mark>> members;
    bool members_given = false, tracking_weight = false;
    std::optional<bool> smtp_alert;
    CompactVector<TrackerDraft> track_interfaces, track_scripts;
    CompactOptional<NotifyMarks> notify;
};

// Settings that a checker inherits from its real server, and that from its virtual server.
struct CheckDefaults {
    std::optional<std::uint32_t> retry;
    std::optional<Micros> delay_before_retry, connect_timeout, delay_loop, warmup;
    std::optional<bool> alpha;
    std::string virtualhost;
};

struct CheckerDraft {
    Checker model;
    Mark mark, misc_path;
    CheckDefaults own;
    IpAddress connect_ip, bind_ip;
    std::uint16_t connect_port = 0, bind_port = 0;
    std::optional<bool> log_all_failures;
    bool account_unknown = false;
};

struct ServerDraft {
    RealServer model;
    Mark mark;
    bool port_given = false;
    std::optional<std::uint32_t> weight;
    std::optional<Forwarding> forwarding;
    Tunnel tunnel;  // with it
    std::optional<bool> smtp_alert, inhibit;
    CheckDefaults defaults;
    Mark up, down;
    std::vector<CheckerDraft> checkers;
};

struct ServiceDraft {
    VirtualServer model;
    Mark mark;
    std::optional<Protocol> protocol;
    Mark protocol_mark, quorum_mark, hysteresis_mark;
    std::string scheduler;
    bool scheduler_given = false;
    std::optional<Forwarding> forwarding;
    Tunnel tunnel;  // with it
    std::optional<bool> smtp_alert;
    std::optional<std::uint32_t> weight, netmask;
    std::optional<Seconds> persistence_timeout;
    bool one_packet = false;
    Mark one_packet_mark, active_active_mark;
    bool sorry_port_given = false;
    std::optional<Forwarding> sorry_forwarding;
    Tunnel sorry_tunnel;  // with it
    Mark sorry_mark;
    CheckDefaults defaults;
    Mark up, down;
    std::vector<ServerDraft> servers;
    std::size_t position = 0;  // of its model in Resolved::models
};

// Most virtual servers can be checked at their closing brace, so that not all drafts, which are several times the size
// of the model, exist at the same time. A draft is kept only if its check needs the end of the file: scripts, a group.
struct Resolved {
    explicit Resolved(const Snapshot& snapshot) : diag{snapshot} {}
    std::vector<VirtualServer> models;  // in the order of the file; an empty one holds the place of a kept draft
    std::vector<Mark> marks;            // of each of them
    bool remarkable = false;            // a diagnostic about a server needs the drafts, or a service was refused
    Diagnoser diag;                     // of resolve_service; shown after the diagnostics of the other passes
    std::optional<Global> with;         // global_defs at the time when the first service was resolved
};

// A keyword that was intended but refused: misspelt, misplaced, without a value or with an invalid one. Its absence is
// then not reported a second time.
struct Attempt {
    Block block = Block::None;  // Script, Instance or Service
    std::size_t owner = 0;      // its index among the drafts; of a service, the place of its address
    std::string_view keyword;   // of the schema
    std::size_t entry = 0;      // the diagnostic
};

// From the name of a block to its index among the drafts.
using NameIndex = std::pmr::unordered_map<std::string, std::size_t>;

// keepalived: the preference of the first rule without one; each further rule gets one less (2.4.3).
inline constexpr std::uint32_t kFirstRulePreference = 16384;

struct WalkedFile;  // block_walk.hpp
struct BraceFault;

struct ParseContext {
    ParseContext(const Environment& env, const Snapshot& text)
        : environment{env}, snapshot{text}, host_name{env.host_name}, diag{text}, resolved{text} {}

    const Environment& environment;
    const Snapshot& snapshot;
    std::string host_name;
    Diagnoser diag;

    Global global;
    Mark script_user, router_id;
    Mark mail_wanted;  // the first smtp_alert that is on
    std::string net_namespace;
    Mark net_namespace_mark, nftables_ipvs;
    bool script_user_unknown = false;
    std::pair<std::string, std::string> unknown_account;  // of script_user
    std::size_t unknown_account_entry = Diagnoser::kNowhere;
    // Interfaces in keywords without a struct in the model.
    struct NamedInterface {
        std::string name;
        Mark mark;
        std::string needed_by;  // an instance that is in FAULT without it
    };
    std::vector<NamedInterface> named_interfaces;
    // A word of a line that names something.
    struct NamedWord {
        const KeywordSpec* row;
        std::string name;
        Mark mark;
    };
    std::vector<NamedWord> named_in_lines;                           // track groups and VRFs
    std::vector<std::pair<std::string_view, Mark>> process_scripts;  // in global_defs, by their keywords
    std::vector<ScriptDraft> scripts;
    InstanceModels instance_models;
    std::deque<InstanceDraft> instances;  // large: they stay where they are
    std::vector<GroupDraft> groups;
    std::vector<ServiceDraft> services;  // those that are not resolved yet
    Resolved resolved;
    bool resolve_early = true;
    std::vector<std::pair<std::string, Mark>> server_groups;
    Mark sync_daemon_mark;
    // announce blocks of virtual servers, in the file's order.
    struct Announcement {
        Endpoint endpoint;  // this to `group`: of the service
        std::uint32_t fwmark = 0;
        std::string group;
        Mark mark;
    };
    std::vector<Announcement> announcements;
    Mark active_active;  // the first one
    // Defined by track_file, vrrp_track_process or bfd_instance (`keyword`, its present name), in the file's order.
    struct Tracked {
        std::string_view keyword;
        std::string name;
        Mark mark;
        bool used = false;
        bool for_vrrp = true, for_checkers = true;  // a bfd_instance reports to them
    };
    std::vector<Tracked> tracked;
    struct TrackedTooEarly {
        std::string_view keyword;
        std::string name;
        std::size_t entry;  // the diagnostic, if it is one
        Mark mark = {};
    };
    std::vector<TrackedTooEarly> tracked_too_early;
    CompactOptional<ExtraSettings> more;              // outside of all blocks
    std::unordered_set<const KeywordSpec*> reported;  // keywords with a once-only diagnostic
    // In a separate pool, because table nodes scattered between the drafts would cause cache misses.
    std::pmr::monotonic_buffer_resource name_pool;
    NameIndex script_names{&name_pool}, instance_names{&name_pool}, group_names{&name_pool};

    // The objects of the open blocks; null outside of them. Valid until the next one of the kind begins.
    ScriptDraft* script = nullptr;
    InstanceDraft* instance = nullptr;
    GroupDraft* group = nullptr;
    ServiceDraft* service = nullptr;
    ServerDraft* server = nullptr;
    CheckerDraft* checker = nullptr;
    HttpUrl* url = nullptr;
    Mark pattern_mark;  // of its regex

    // The positions of words to which system files assign numbers (names.hpp).
    std::vector<NamedWord> named_numbers;
    std::uint32_t rule_preference4 = kFirstRulePreference, rule_preference6 = kFirstRulePreference;  // of the next one

    // Set by a block's setter if the block must be skipped.
    bool skip_block = false;
    // Set by a line's setter if the line must be dropped, which was reported.
    bool line_refused = false;

    struct LostThing {
        Lost lost;
        std::size_t entry;  // the diagnostic
        bool worth_naming;  // it does not go without saying
    };
    std::vector<LostThing> lost;                                         // kMostLost at most
    std::map<std::uint32_t, std::size_t> fault_entries;                  // of faults of braces, by their offset
    std::vector<Mark> skipped;                                           // skipped blocks, in their order
    std::vector<std::pair<std::string, std::size_t>> undefined_scripts;  // tracked above their line; the diagnostic
    std::set<std::string, std::less<>> dropped_trackers;  // the names that lines with a mistake would have tracked
    std::vector<Attempt> attempts;
    // Of a remark, and of a diagnostic that the list had no room for, nothing is recorded.
    void attempted(const Attempt& attempt) {
        const auto& entries = diag.entries();
        if (attempt.entry < entries.size() && entries[attempt.entry].diagnostic.rank != Rank::None)
            attempts.push_back(attempt);
    }
    // The diagnostic about the keyword in that block; null if there is none. Valid until the next diagnostic.
    [[nodiscard]] Diagnostic* reported_of(Block block, std::size_t owner, std::string_view keyword) {
        const auto found = std::ranges::find_if(attempts, [&](const Attempt& attempt) {
            return attempt.block == block && attempt.owner == owner && attempt.keyword == keyword;
        });
        return found == attempts.end() ? nullptr : &diag.entries()[found->entry].diagnostic;
    }
    // "line 7", with the file's path when it is not the top one. Counts lines: for single marks.
    [[nodiscard]] std::string where(Mark mark) const {
        const auto [file, line] = snapshot.line_of(mark);
        return file == 0 ? fmt::format("line {}", line) : fmt::format("{}:{}", snapshot.files[file].path, line);
    }
};

// The value of one of the smtp_alert keywords; records that mail is enabled.
[[nodiscard]] inline bool wants_mail(ParseContext& r, const Value& v) {
    if (v.on && r.mail_wanted.length == 0) r.mail_wanted = v.statement.words[0].mark;
    return v.on;
}

// ---- values.cpp: from words to values

// Parses `value` as the row's arguments describe. False if it was reported as invalid.
[[nodiscard]] bool read_value(ParseContext& reading, Value& value);
// One command word with its quotes, escapes and arguments; `raw` begins at the keyword. Words after it are the user
// and the group.
[[nodiscard]] std::optional<Command> read_command(ParseContext& reading, const KeywordSpec& row,
                                                  const Statement& statement);
// The arguments of a command word: quotes group, backslashes escape. An error: what is not ended, for people.
[[nodiscard]] std::expected<std::vector<std::string>, const char*> split_arguments(std::string_view text);
// A decimal number that is all of `word`, low..high; nothing is reported.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view word, std::int64_t low, std::int64_t high);
// An address in brackets, as in URLs, and what stands behind it: "[2001:db8::1]:80". Nullopt: `word` is none.
struct InBrackets {
    std::string_view address, behind;
};
[[nodiscard]] std::optional<InBrackets> in_brackets(std::string_view word);
[[nodiscard]] std::string format_micros(std::int64_t us);  // seconds, without needless zeros

// ---- entries.cpp: lines of value blocks

[[nodiscard]] std::optional<VirtualAddress> read_virtual_address(ParseContext& reading, const Value& value);
// "<ip> [<port>]" from argument `at` on. The port is nullopt when absent.
struct AddressAndPort {
    IpAddress address;
    std::optional<std::uint16_t> port;
};
[[nodiscard]] std::optional<AddressAndPort> read_address_and_port(ParseContext& reading, const Value& value,
                                                                  std::size_t at, std::string_view what,
                                                                  std::string_view effect);

// What a message says of an account that is not there.
[[nodiscard]] inline std::string unknown_account(std::string_view user, std::string_view group) {
    if (user.empty()) return "the user has no name";
    return fmt::format("there is no user {}{}{}", user, group.empty() ? "" : " or no group ", group);
}

}  // namespace mainstay::config
