#include "mainstay/alert/firewall_script.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"

namespace mainstay::alert {
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
