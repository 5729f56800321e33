// What the doctor makes of firewalls where instances are of IPv6.
#include <doctest/doctest.h>

#include "cli/doctor.hpp"

namespace mainstay::cli {
namespace {

using Found = std::vector<std::string>;

// A ruleset with one chain at the hook input, and rules in it: their expressions.
std::string nft_table(const std::string& family, const char* policy, const std::vector<std::string>& rules) {
    const std::string place = R"("family":")" + family + R"(","table":"filter")";
    std::string text = R"({"nftables":[{"chain":{)" + place +
                       R"(,"name":"in","type":"filter","hook":"input","prio":0,"policy":")" + policy + R"("}})";
    for (const auto& rule : rules) text += R"(,{"rule":{)" + place + R"(,"chain":"in","expr":[)" + rule + "]}}";
    return text + "]}";
}

std::string if_equal(const std::string& left, const char* right) {
    return R"({"match":{"op":"==","left":)" + left + R"(,"right":")" + right + R"("}},)";
}
const std::string kAny = R"({"meta":{"key":"l4proto"}})", kFamily = R"({"meta":{"key":"nfproto"}})",
                  kProtocol4 = R"({"payload":{"protocol":"ip","field":"protocol"}})",
                  kProtocol6 = R"({"payload":{"protocol":"ip6","field":"nexthdr"}})",
                  kTo6 = R"({"payload":{"protocol":"ip6","field":"daddr"}})",
                  kFrom6 = R"({"payload":{"protocol":"ip6","field":"saddr"}})", kAccept = R"({"accept":null})",
                  kDrop = R"({"drop":null})";

Found nft(const std::string& ruleset, Family family) { return nft_drops_vrrp(ruleset, {}, family); }

}  // namespace

TEST_CASE("a rule for the VRRP of one family lets nothing of the other pass") {
    const auto inet = [](const std::string& rule) { return nft_table("inet", "drop", {rule + kAccept}); };
    const std::string only4 = inet(if_equal(kProtocol4, "vrrp")), only6 = inet(if_equal(kProtocol6, "vrrp"));
    CHECK(nft(only4, Family::V4).empty());
    CHECK(nft(only4, Family::V6) ==
          Found{"nft table inet filter chain in drops by default and has no rule for VRRP of IPv6"});
    CHECK(nft(only6, Family::V4) == Found{"nft table inet filter chain in drops by default and has no rule for VRRP"});
    CHECK(nft(only6, Family::V6).empty());
    CHECK(nft(inet(if_equal(kTo6, "ff02::12")), Family::V6).empty());
    CHECK(nft(inet(if_equal(kFamily, "ipv6")), Family::V6).empty());
    CHECK(nft(inet(if_equal(kFamily, "ipv6") + if_equal(kAny, "vrrp")), Family::V4).size() == 1);
    for (const Family family : {Family::V4, Family::V6}) {
        CHECK(nft(inet(if_equal(kAny, "vrrp")), family).empty());
        CHECK(nft(inet(if_equal(kAny, "ipv6")), family).size() == 1);  // a tunnel
    }
}

TEST_CASE("a table of one family drops nothing of the other") {
    for (const auto& [table, own, other] :
         {std::tuple{"ip", Family::V4, Family::V6}, std::tuple{"ip6", Family::V6, Family::V4}}) {
        CAPTURE(table);
        CHECK(nft(nft_table(table, "drop", {}), own).size() == 1);
        CHECK(nft(nft_table(table, "drop", {}), other).empty());
        CHECK(nft(nft_table(table, "drop", {if_equal(kAny, "vrrp") + kAccept}), own).empty());
        CHECK(nft(nft_table(table, "accept", {if_equal(kAny, "vrrp") + kDrop}), own).size() == 1);
        CHECK(nft(nft_table(table, "accept", {if_equal(kAny, "vrrp") + kDrop}), other).empty());
    }
}

TEST_CASE("a rule that drops the VRRP of IPv6 is found, also behind one that accepts that of IPv4") {
    const auto both =
        nft_table("inet", "accept",
                  {if_equal(kProtocol4, "vrrp") + kAccept,
                   if_equal(kFamily, "ipv6") + if_equal(kAny, "vrrp") + if_equal(kFrom6, "fe80::2") + kDrop});
    CHECK(nft(both, Family::V4).empty());
    CHECK(nft(both, Family::V6) == Found{"nft table inet filter chain in has a rule that drops VRRP from fe80::2"});
    CHECK(nft(nft_table("ip6", "accept", {if_equal(kTo6, "ff02::12") + kDrop}), Family::V6).size() == 1);
    const std::string group =
        R"({"match":{"op":"==","left":)" + kTo6 + R"(,"right":{"prefix":{"addr":"ff02::","len":16}}}},)";
    CHECK(nft(nft_table("ip6", "accept", {group + kDrop}), Family::V6).size() == 1);
}

TEST_CASE("ip6tables is read as iptables is") {
    const std::string head = "*filter\n:INPUT ACCEPT [0:0]\n", closed = "*filter\n:INPUT DROP [0:0]\n";
    const auto found = [](const std::string& saved) { return iptables_drops_vrrp(saved, {}, Family::V6); };
    CHECK(found(closed) == Found{"ip6tables chain INPUT drops by default and has no rule for VRRP of IPv6"});
    CHECK(found(closed + "-A INPUT -p vrrp -j ACCEPT\n").empty());
    CHECK(found(closed + "-A INPUT -d ff02::12/128 -j ACCEPT\n").empty());
    CHECK(found(head + "-A INPUT -s fe80::2/128 -p vrrp -j DROP\n") ==
          Found{"ip6tables chain INPUT has a rule that drops VRRP from fe80::2"});
    CHECK(found(head + "-A INPUT -s fe80::/32 -p vrrp -j DROP\n") ==
          Found{"ip6tables chain INPUT has a rule that drops VRRP from fe80::/32"});
}

}  // namespace mainstay::cli
