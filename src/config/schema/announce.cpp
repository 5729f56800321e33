// Rows of the schema: the addresses that a routing daemon announces.
#include "setters.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

constexpr KeywordSpec kAnnounceRows[]{
    {.blocks = Block::Announce,
     .name = "services",
     .args = args::one_of("all|any"),
     .form = "all|any",
     .default_text = "all",
     .help = "How many of the services of an address that have this block must be up",
     .from_store = true,
     .example = "services any"},
    {.blocks = Block::Announce,
     .name = "interface",
     .args = args::short_word(kMostInterfaceName),
     .form = "<name, max 15 chars>",
     .default_text = kAnnounceInterface,
     .help = "Interface whose addresses the routing daemon announces; a dummy interface is made if it is missing",
     .from_store = true,
     .example = "interface ms-vip"},
    {.blocks = Block::Announce,
     .name = "drain_interface",
     .args = args::short_word(kMostInterfaceName),
     .form = "<name, max 15 chars>",
     .default_text = kDrainInterface,
     .help = "The same while this director drains: the routing daemon announces its addresses as a last resort",
     .from_store = true,
     .example = "drain_interface ms-drain"},
    {.blocks = Block::Announce,
     .name = "lifetime",
     .args = args::whole_seconds(3, 3600),
     .form = "<int 3..3600 s>",
     .default_text = "5",
     .help = "Without mainstay the kernel removes the address after this time; it is renewed each second",
     .from_store = true},
    {.blocks = Block::Announce,
     .name = "on_loss",
     .args = args::one_of("withdraw|hold"),
     .form = "withdraw|hold",
     .default_text = "withdraw",
     .help = "Without mainstay the address is removed after its lifetime, or stays",
     .from_store = true,
     .example = "on_loss hold"},
    {.blocks = Block::Announce,
     .name = "drain_time",
     .args = args::whole_seconds(0, 86400),
     .form = "<int 0..86400 s>",
     .default_text = "60",
     .help = "How long this host still takes packets to an address that is no longer announced",
     .from_store = true},
};

}  // namespace

void begin_announce(ParseContext& r, const Value& v) {
    r.announcements.push_back({r.service->model.endpoint, r.service->model.fwmark, *r.service->model.group, v.mark});
    auto& sections = r.service->model.more.edit().sections;
    if (find_section(sections, kAnnounce) == nullptr) add_section(sections, {.keyword = std::string{kAnnounce}});
}

std::span<const KeywordSpec> announce_rows() { return kAnnounceRows; }

}  // namespace mainstay::config
