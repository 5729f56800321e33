#include "mss_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <set>

namespace mainstay::cli {
namespace {

std::string rule(std::string_view family, const std::set<std::string>& vips, std::uint16_t mss) {
    if (vips.empty()) return {};
    return fmt::format("        {} saddr {{ {} }} tcp flags & (syn | rst) == syn tcp option maxseg size set {}\n",
                       family, fmt::join(vips, ", "), mss);
}

}  // namespace

Result<std::uint16_t> parse_mss(std::string_view text) {
    std::uint16_t mss = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mss);
    if (error == std::errc{} && end == text.data() + text.size() && mss >= kLeastMss && mss <= kMostMss) return mss;
    return fail(Errc::Invalid, fmt::format("'{}' is not an MSS: it is a number from {} to {}; on a director, "
                                           "`mainstayctl ipvs --mtu` shows which",
                                           text, kLeastMss, kMostMss));
}

std::string mss_rules(std::uint16_t mss, const std::vector<Prefix>& vips) {
    std::set<std::string> v4, v6;
    for (const auto& vip : vips) (vip.address.is_v6() ? v6 : v4).insert(vip.address.to_string());
    // The first line makes sure that there is something to delete. Postrouting also sees what a container answers.
    return fmt::format(
        "table inet mainstay_realserver\n"
        "delete table inet mainstay_realserver\n"
        "table inet mainstay_realserver {{\n"
        "    chain lower_mss {{\n"
        "        type filter hook postrouting priority mangle; policy accept;\n"
        "{}{}"
        "    }}\n"
        "}}\n",
        rule("ip", v4, mss), rule("ip6", v6, mss));
}

}  // namespace mainstay::cli
