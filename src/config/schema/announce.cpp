// Rows of the schema: the addresses that a routing daemon announces.
#include "mainstay/config/keywords.hpp"
#include "setters.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

constexpr KeywordSpec kAnnounceRows[]{
    row(Block::Announce, keyword::services, args::one_of("all|any"), "all|any", "all",
        "How many of the services of an address that have this block must be up", {.example = "services any"}),
    row(Block::Announce, keyword::interface, args::short_word(kMostInterfaceName), "<name, max 15 chars>",
        kAnnounceInterface,
        "Interface whose addresses the routing daemon announces; a dummy interface is made if it is missing",
        {.example = "interface ms-vip"}),
    row(Block::Announce, keyword::drain_interface, args::short_word(kMostInterfaceName), "<name, max 15 chars>",
        keyword::drain_interface.otherwise,
        "The same while this director drains: the routing daemon announces its addresses as a last resort",
        {.example = "drain_interface ms-drain"}),
    row(Block::Announce, keyword::lifetime, args::whole_seconds(3, 3600), "<int 3..3600 s>", "5",
        "Without mainstay the kernel removes the address after this time; it is renewed each second"),
    row(Block::Announce, keyword::on_loss, args::one_of("withdraw|hold"), "withdraw|hold", "withdraw",
        "Without mainstay the address is removed after its lifetime, or stays", {.example = "on_loss hold"}),
    row(Block::Announce, keyword::drain_time, args::whole_seconds(0, 86400), "<int 0..86400 s>", "60",
        "How long this host still takes packets to an address that is no longer announced"),
};

}  // namespace

void begin_announce(ParseContext& r, const Value& v) {
    r.announcements.push_back({r.service->model.endpoint, r.service->model.fwmark, *r.service->model.group, v.mark});
    auto& sections = r.service->model.more.edit().sections;
    if (find_section(sections, keyword::announce) == nullptr)
        add_section(sections, {.keyword = std::string{keyword::announce.text}});
}

std::span<const KeywordSpec> announce_rows() { return kAnnounceRows; }

}  // namespace mainstay::config
