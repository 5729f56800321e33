#include "mainstay/alert/script_requests.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::alert {
namespace {

using Words = std::span<const std::string>;

constexpr std::uint32_t kPriorityMax = 255;

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::ranges::find(list, text) != list.end();
}

bool is_service_word(std::string_view word) {
    const auto transition = transition_from(word);
    return transition == Transition::Up || transition == Transition::Down;
}

// Of an instance or a group: a FIFO gets all of them, the generic script those that change the state.
bool is_vrrp_word(std::string_view word) { return transition_from(word).has_value() && !is_service_word(word); }
bool is_state_word(std::string_view word) { return is_vrrp_word(word) && changes_state(*transition_from(word)); }

// Accepts a number in the format of std::to_string().
bool is_priority(std::string_view text) {
    std::uint32_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size() && value <= kPriorityMax &&
           (text.size() == 1 || text.front() != '0');
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
    text.remove_prefix(std::min(prefix.size(), text.size()));
    return text;
}

// "instance/VI_1/any": the generic script of an instance or a group gets its kind, name, state and priority.
bool is_generic_call(std::string_view subject, std::string_view name, const std::vector<std::string>& extra) {
    return extra.size() == 4 && extra[0] == subject && extra[1] == name && is_state_word(extra[2]) &&
           is_priority(extra[3]) && (subject != "GROUP" || extra[3] == "0");
}

bool is_vrrp_call(std::string_view key, std::string_view queue, const std::vector<std::string>& extra) {
    for (const auto& [prefix, subject] : {std::pair{"instance/", "INSTANCE"}, std::pair{"group/", "GROUP"}}) {
        if (!key.starts_with(prefix)) continue;
        const auto slash = key.rfind('/');
        const auto of = key.substr(0, slash);
        if (queue != of) return false;
        return key.substr(slash) == "/any" ? is_generic_call(subject, without_prefix(of, prefix), extra)
                                           : extra.empty();
    }
    if (key == kFirewallKey) return queue == kFirewallKey && is_firewall_call(extra);
    return key.starts_with("vrrp_script/") && queue.empty() && extra.empty();
}

bool is_lvs_call(std::string_view key, std::string_view queue, const std::vector<std::string>& extra) {
    if (!extra.empty()) return false;
    if (key.starts_with("misc_check/")) return queue.empty();
    const auto of = key.substr(0, key.rfind('/'));
    if (queue == of) return key.starts_with("virtual_server/") || key.starts_with("real_server/");
    if (!queue.starts_with("service/")) return false;  // of former versions: one queue for a service and its servers
    const auto service = without_prefix(queue, "service/");
    if (key.starts_with("virtual_server/")) return without_prefix(of, "virtual_server/") == service;
    return key.starts_with("real_server/") && of.ends_with(" of " + std::string{service});
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::unexpected<Error> no_such_line() { return fail(Errc::Invalid, "no FIFO line has this form"); }

Result<void> check_name(std::string_view name, const std::set<std::string, std::less<>>& configured, bool known) {
    if (configured.contains(name)) return {};
    if (has_control_character(name)) return no_such_line();
    if (known) return fail(Errc::NotFound, "a FIFO line of a name that is not configured");
    return {};
}

// Removes and returns the last word, with the space before it.
std::string_view take_last_word(std::string_view& text) {
    const auto space = text.rfind(' ');
    if (space == std::string_view::npos) return {};
    const auto word = text.substr(space + 1);
    text = text.substr(0, space);
    return word;
}

// `INSTANCE "VI_1" MASTER 150`
Result<void> check_vrrp_line(std::string_view line, const FifoNames& names) {
    const auto priority = take_last_word(line);
    const auto state = take_last_word(line);
    if (!is_priority(priority) || !is_vrrp_word(state)) return no_such_line();
    const auto quoted = [&](std::string_view prefix) -> std::optional<std::string_view> {
        if (!line.starts_with(prefix) || !line.ends_with('"') || line.size() <= prefix.size()) return std::nullopt;
        return line.substr(prefix.size(), line.size() - prefix.size() - 1);
    };
    if (const auto name = quoted("INSTANCE \"")) return check_name(*name, names.instances, names.known);
    const auto name = quoted("GROUP \"");
    return name && priority == "0" ? check_name(*name, names.groups, names.known) : no_such_line();
}

// `RS [10.0.0.11]:tcp:80 [10.0.0.1]:tcp:80 DOWN`, `VS FWM 1 UP`: names of services may contain spaces, those of servers
// do not.
Result<void> check_lvs_line(std::string_view line, const FifoNames& names) {
    const auto state = take_last_word(line);
    if (!is_service_word(state)) return no_such_line();
    if (line.starts_with("VS ")) return check_name(without_prefix(line, "VS "), names.services, names.known);
    if (!line.starts_with("RS ")) return no_such_line();
    line = without_prefix(line, "RS ");
    const auto space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || has_control_character(line.substr(0, space)))
        return no_such_line();
    return check_name(line.substr(space + 1), names.services, names.known);
}

// ---- the firewall's command ----

constexpr std::array<std::string_view, 2> kTools{"iptables", "ip6tables"};
constexpr std::array<std::string_view, 2> kChanges{"add", "del"};
constexpr std::array<std::string_view, 2> kSetTypes{"hash:ip", "hash:net,iface"};
constexpr std::array<std::string_view, 2> kSetFamilies{"inet", "inet6"};
constexpr std::array<std::string_view, 2> kVerdicts{"DROP", "ACCEPT"};
constexpr std::array<std::string_view, 2> kProtocols{"igmp", "icmpv6"};
constexpr std::array<std::string_view, 6> kDirections{"src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"};
constexpr std::array<std::string_view, 4> kNamed{"-o", "-i", "-d", "-s"};

// Not an option, and without characters that a tool could treat as a separator.
bool is_name(std::string_view text) {
    return !text.starts_with('-') && !text.starts_with('!') && text.find(' ') == std::string_view::npos &&
           !has_control_character(text);
}

bool are_names(Words words) { return std::ranges::all_of(words, is_name); }

// The permitted options of iptables with their arguments. Others could load modules or run programs:
// --modprobe=PROGRAM.
bool is_rule(Words words) {
    while (!words.empty()) {
        const std::string_view option = words.front();
        words = words.subspan(1);
        if (words.empty()) return false;
        const std::string_view value = words.front();
        words = words.subspan(1);
        if (option == "-p"                                         ? !is_one_of(value, kProtocols)
            : option == "-j"                                       ? !is_one_of(value, kVerdicts)
            : option == "-m"                                       ? value != "set"
            : option == "--icmpv6-type"                            ? !is_priority(value)
            : option == "--match-set" || is_one_of(option, kNamed) ? !is_name(value)
                                                                   : true)
            return false;
        if (option != "--match-set") continue;
        if (words.empty() || !is_one_of(words.front(), kDirections)) return false;
        words = words.subspan(1);
    }
    return true;
}

}  // namespace

bool is_firewall_call(Words words) {
    if (words.empty()) return false;
    const std::string_view operation = words.front();
    words = words.subspan(1);
    if (operation == "rule")
        return words.size() > 3 && is_one_of(words[0], kChanges) && is_one_of(words[1], kTools) && is_name(words[2]) &&
               is_rule(words.subspan(3));
    if (operation == "addresses")
        return words.size() > 3 && is_one_of(words[0], kChanges) && is_one_of(words[1], kTools) && is_name(words[2]) &&
               (words[3] == "-s" || words[3] == "-d") && are_names(words.subspan(4));
    if (operation == "set")
        return words.size() >= 3 && is_name(words[0]) && is_one_of(words[1], kSetTypes) &&
               is_one_of(words[2], kSetFamilies) && are_names(words.subspan(3));
    if (operation == "unset") return are_names(words);
    return operation == "entries" && words.size() > 1 && is_one_of(words[0], kChanges) && are_names(words.subspan(1));
}

Result<std::vector<std::string>> script_arguments(std::string_view key, std::string_view queue,
                                                  const std::vector<std::string>& extra) {
    const Requester requester = requester_of_script(key);
    if ((requester == Requester::Vrrp && is_vrrp_call(key, queue, extra)) ||
        (requester == Requester::Lvs && is_lvs_call(key, queue, extra)))
        return extra;
    return fail(Errc::Invalid, "mainstay never calls it with these arguments");
}

Result<void> check_fifo_line(Requester from, std::string_view line, const FifoNames& names) {
    if (line.size() > kFifoLineBytesMax || !line.ends_with('\n')) return no_such_line();
    line.remove_suffix(1);
    if (from == Requester::Vrrp) return check_vrrp_line(line, names);
    if (from == Requester::Lvs) return check_lvs_line(line, names);
    return no_such_line();
}

namespace {

constexpr Micros kFirewallLimit{60'000'000};  // a thousand addresses one by one take iptables some ten seconds

// Each operation can be repeated: existing rules are not added twice, and missing ones are not an error.
//   rule add|del TOOL CHAIN WORD...            one rule at the top of a chain
//   addresses add|del TOOL CHAIN FLAG ADDR...  a DROP rule for each address
//   set NAME TYPE FAMILY ENTRY...              a set with exactly these entries
//   unset NAME...                              sets that go; those in use by others' rules stay
//   entries add|del NAME ENTRY...              entries that come or go
constexpr const char* kScript = R"sh(PATH=/usr/sbin:/sbin:/usr/bin:/bin
operation=$1; shift
put() { # add|del TOOL CHAIN WORD...
    what=$1 tool=$2 chain=$3; shift 3
    while "$tool" -w 5 -D "$chain" "$@" 2>/dev/null; do :; done
    [ "$what" = del ] || "$tool" -w 5 -I "$chain" "$@" || failed=1
}
# Where no address has a rule yet, or each has one: a thousand calls of iptables take some ten seconds.
all_at_once() { # add|del TOOL CHAIN FLAG ADDRESS...
    what=$1 tool=$2 chain=$3 flag=$4; shift 4
    letter=D; [ "$what" = del ] || letter=I
    version=$("$tool" --version) restores=$("$tool-restore" --version 2>/dev/null) || return 1
    [ "${version#* }" = "${restores#* }" ] && there=$("$tool" -w 5 -S "$chain") || return 1
    for address; do
        case $there in
        *" $flag $address/"*" $flag $address/"*) return 1 ;;
        *" $flag $address/"*) [ $letter = D ] || return 1 ;;
        *) [ $letter = I ] || return 1 ;;
        esac
    done
    { echo '*filter'; for address; do echo "-$letter $chain $flag $address -j DROP"; done; echo COMMIT; } |
        "$tool-restore" -w 5 --noflush 2>/dev/null
}
failed=0
case $operation in
rule) put "$@" ;;
addresses)
    all_at_once "$@" && exit 0
    what=$1 tool=$2 chain=$3 flag=$4; shift 4
    for address; do put "$what" "$tool" "$chain" "$flag" "$address" -j DROP; done ;;
set)
    name=$1 type=$2 family=$3; shift 3
    ipset -exist create "$name" "$type" family "$family" && ipset flush "$name" || failed=1
    for entry; do ipset -exist add "$name" "$entry" || failed=1; done ;;
unset) for name; do ipset destroy "$name" 2>/dev/null || :; done ;;
entries)
    what=$1 name=$2; shift 2
    for entry; do ipset -exist "$what" "$name" "$entry" || failed=1; done ;;
*) failed=1 ;;
esac
exit $failed
)sh";

}  // namespace

bool wants_firewall_script(const config::Config& config) {
    const auto& values = config.global.more->values;
    return config::is_given(values, config::keyword::vrrp_iptables) &&
           !config::is_given(values, config::keyword::nftables);
}

Wanted firewall_script() {
    return {.key = kFirewallKey,
            .command = {.argv = {"/bin/sh", "-c", kScript, "firewall"}, .user = "root", .group = "root"},
            .timeout = kFirewallLimit};
}

}  // namespace mainstay::alert
