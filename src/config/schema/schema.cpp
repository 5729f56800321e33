#include "mainstay/config/schema/schema.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kBlocks = static_cast<std::size_t>(Block::kCount);

struct BlockName {
    Block block;
    std::string_view path;
    Block parent;
};
constexpr std::array kBlockNames{
    BlockName{Block::None, "", Block::None},
    BlockName{Block::Language, "(language)", Block::None},
    BlockName{Block::Root, "(root)", Block::None},
    BlockName{Block::GlobalDefs, "global_defs", Block::Root},
    BlockName{Block::NotificationEmail, "global_defs/notification_email", Block::GlobalDefs},
    BlockName{Block::TrackGroup, "track_group", Block::Root},
    BlockName{Block::StaticAddresses, "static_ipaddress", Block::Root},
    BlockName{Block::StaticRoutes, "static_routes", Block::Root},
    BlockName{Block::StaticRules, "static_rules", Block::Root},
    BlockName{Block::LinkbeatInterfaces, "linkbeat_interfaces", Block::Root},
    BlockName{Block::InterfaceDelays, "interface_up_down_delays", Block::Root},
    BlockName{Block::GarpGroup, "garp_group", Block::Root},
    BlockName{Block::GarpInterfaces, "garp_group/interfaces", Block::GarpGroup},
    BlockName{Block::SyncGroup, "vrrp_sync_group", Block::Root},
    BlockName{Block::GroupMembers, "vrrp_sync_group/group", Block::SyncGroup},
    BlockName{Block::Instance, "vrrp_instance", Block::Root},
    BlockName{Block::Authentication, "vrrp_instance/authentication", Block::Instance},
    BlockName{Block::AuthHmac, "vrrp_instance/auth_hmac", Block::Instance},
    BlockName{Block::VirtualAddresses, "vrrp_instance/virtual_ipaddress", Block::Instance},
    BlockName{Block::ExcludedAddresses, "vrrp_instance/virtual_ipaddress_excluded", Block::Instance},
    BlockName{Block::UnicastPeers, "vrrp_instance/unicast_peer", Block::Instance},
    BlockName{Block::VirtualRoutes, "vrrp_instance/virtual_routes", Block::Instance},
    BlockName{Block::VirtualRules, "vrrp_instance/virtual_rules", Block::Instance},
    BlockName{Block::TrackInterfaces, "vrrp_instance/track_interface", Block::Instance},
    BlockName{Block::TrackScripts, "vrrp_instance/track_script", Block::Instance},
    BlockName{Block::OtherTrackers, "vrrp_instance/track_file", Block::Instance},
    BlockName{Block::Script, "vrrp_script", Block::Root},
    BlockName{Block::TrackProcess, "vrrp_track_process", Block::Root},
    BlockName{Block::TrackFile, "track_file", Block::Root},
    BlockName{Block::Bfd, "bfd_instance", Block::Root},
    BlockName{Block::Ssl, "SSL", Block::Root},
    BlockName{Block::ServerGroup, "virtual_server_group", Block::Root},
    BlockName{Block::Service, "virtual_server", Block::Root},
    BlockName{Block::RealServer, "virtual_server/real_server", Block::Service},
    BlockName{Block::HttpGet, "virtual_server/real_server/HTTP_GET", Block::RealServer},
    BlockName{Block::SslGet, "virtual_server/real_server/SSL_GET", Block::RealServer},
    BlockName{Block::HttpUrl, "virtual_server/real_server/HTTP_GET/url", Block::HttpGet},
    BlockName{Block::SslUrl, "virtual_server/real_server/SSL_GET/url", Block::SslGet},
    BlockName{Block::TcpCheck, "virtual_server/real_server/TCP_CHECK", Block::RealServer},
    BlockName{Block::SmtpCheck, "virtual_server/real_server/SMTP_CHECK", Block::RealServer},
    BlockName{Block::SmtpHost, "virtual_server/real_server/SMTP_CHECK/host", Block::SmtpCheck},
    BlockName{Block::DnsCheck, "virtual_server/real_server/DNS_CHECK", Block::RealServer},
    BlockName{Block::UdpCheck, "virtual_server/real_server/UDP_CHECK", Block::RealServer},
    BlockName{Block::PingCheck, "virtual_server/real_server/PING_CHECK", Block::RealServer},
    BlockName{Block::MiscCheck, "virtual_server/real_server/MISC_CHECK", Block::RealServer},
    BlockName{Block::FileCheck, "virtual_server/real_server/FILE_CHECK", Block::RealServer},
    BlockName{Block::BfdCheck, "virtual_server/real_server/BFD_CHECK", Block::RealServer},
    BlockName{Block::NextHop, "vrrp_instance/virtual_routes/nexthop", Block::VirtualRoutes},
    BlockName{Block::Encap, "vrrp_instance/virtual_routes/encap", Block::VirtualRoutes},
    BlockName{Block::Tunnel, "virtual_server/lvs_method", Block::Service},
    BlockName{Block::SyncDaemon, "global_defs/lvs_sync_daemon", Block::GlobalDefs},
    BlockName{Block::LvsTimeouts, "global_defs/lvs_timeouts", Block::GlobalDefs},
    BlockName{Block::UseVmac, "vrrp_instance/use_vmac", Block::Instance},
    BlockName{Block::UseIpvlan, "vrrp_instance/use_ipvlan", Block::Instance},
    BlockName{Block::HmacKey, "vrrp_instance/auth_hmac/key", Block::AuthHmac},
    BlockName{Block::GrpcCheck, "virtual_server/real_server/GRPC_CHECK", Block::RealServer},
    BlockName{Block::AgentCheck, "virtual_server/real_server/AGENT_CHECK", Block::RealServer},
    BlockName{Block::Announce, "virtual_server/announce", Block::Service},
};
static_assert(kBlockNames.size() == kBlocks);
static_assert(kBlocks <= 64, "BlockSet has a bit for each");
constexpr bool in_order() {
    for (std::size_t i = 0; i < kBlocks; ++i)
        if (kBlockNames[i].block != static_cast<Block>(i)) return false;
    return true;
}
static_assert(in_order(), "kBlockNames must list the blocks in the order of the enumeration");

// A hash of a name from its length and its first and last eight bytes; the names of one block differ there.
std::size_t hash_of(std::string_view name) {
    std::uint64_t head = 0, tail = 0;
    if (name.size() >= sizeof head) {
        std::memcpy(&head, name.data(), sizeof head);
        std::memcpy(&tail, name.data() + (name.size() - sizeof tail), sizeof tail);
    } else {
        for (const char c : name) head = head << 8 | static_cast<unsigned char>(c);
    }
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(((head * kGolden) ^ (tail + name.size())) * kGolden >> 32);
}

// The rows by block, sorted. Built once from constant data and never changed.
struct Index {
    using Rows = std::array<std::vector<const KeywordSpec*>, kBlocks>;
    Rows blocks, options, positions;
    Rows hashed;  // the rows of `blocks` by open addressing; sizes are powers of two, at most half is taken
    Index() {
        for (const auto table : schema())
            for (const KeywordSpec& row : table)
                for (std::size_t b = 0; b < kBlocks; ++b)
                    if (row.blocks.has(static_cast<Block>(b))) add(row, b);
        for (std::size_t b = 0; b < kBlocks; ++b) borrow(b, static_cast<std::size_t>(lines_as(static_cast<Block>(b))));
        for (Rows* rows : {&blocks, &options})
            for (auto& list : *rows) std::ranges::sort(list, {}, &KeywordSpec::name);
        for (std::size_t b = 0; b < kBlocks; ++b) {
            hashed[b].resize(std::bit_ceil(2 * blocks[b].size() + 1));
            for (const KeywordSpec* row : blocks[b]) hashed[b][slot(b, row->name)] = row;
        }
    }
    // The slot of the row with this name, or the free slot where it would be.
    [[nodiscard]] std::size_t slot(std::size_t block, std::string_view name) const {
        const auto& table = hashed[block];
        std::size_t at = hash_of(name) & (table.size() - 1);
        while (table[at] != nullptr && table[at]->name != name) at = (at + 1) & (table.size() - 1);
        return at;
    }

private:
    void add(const KeywordSpec& row, std::size_t block) {
        if (row.args.takes == Takes::Entry) return;
        Rows& rows = !row.args.in_line ? blocks : row.name.starts_with('<') ? positions : options;
        rows[block].push_back(&row);
    }
    void borrow(std::size_t to, std::size_t from) {
        if (to == from) return;
        for (Rows* rows : {&options, &positions}) std::ranges::copy((*rows)[from], std::back_inserter((*rows)[to]));
    }
};

const Index& index() {
    static const Index kIndex;
    return kIndex;
}

}  // namespace

std::string_view path_of(Block block) { return kBlockNames[static_cast<std::size_t>(block)].path; }
Block parent_of(Block block) { return kBlockNames[static_cast<std::size_t>(block)].parent; }

std::span<const std::span<const KeywordSpec>> schema() {
    static const std::array kTables{
        language_rows(), root_rows(),        global_rows(), process_rows(),  instance_rows(), authentication_rows(),
        address_rows(),  route_rows(),       rule_rows(),   tracking_rows(), service_rows(),  real_server_rows(),
        checker_rows(),  web_checker_rows(), line_rows(),   announce_rows(), discovery_rows()};
    return kTables;
}

std::span<const KeywordSpec* const> rows_of(Block block) { return index().blocks[static_cast<std::size_t>(block)]; }

Block lines_as(Block block) {
    switch (block) {
        case Block::StaticAddresses:
        case Block::ExcludedAddresses:
            return Block::VirtualAddresses;
        case Block::StaticRoutes:
            return Block::VirtualRoutes;
        case Block::StaticRules:
            return Block::VirtualRules;
        default:
            return block;
    }
}

std::span<const KeywordSpec* const> options_of(Block block) { return index().options[static_cast<std::size_t>(block)]; }
std::span<const KeywordSpec* const> positions_of(Block block) {
    return index().positions[static_cast<std::size_t>(block)];
}

namespace {

const KeywordSpec* find_in(std::span<const KeywordSpec* const> rows, std::string_view name) {
    const auto found = std::ranges::lower_bound(rows, name, {}, &KeywordSpec::name);
    return found != rows.end() && (*found)->name == name ? *found : nullptr;
}

std::string_view nearest_in(std::span<const KeywordSpec* const> rows, std::string_view name) {
    std::vector<std::string_view> names;
    for (const KeywordSpec* row : rows) names.push_back(row->name);
    return nearest(name, names);
}

}  // namespace

// Called for every statement: a hash lookup instead of a search.
const KeywordSpec* find_row(Block block, std::string_view name) {
    const Index& all = index();
    const auto b = static_cast<std::size_t>(block);
    return all.hashed[b][all.slot(b, name)];
}
const KeywordSpec* find_option(Block block, std::string_view name) { return find_in(options_of(block), name); }

std::string_view nearest_keyword(Block block, std::string_view name) { return nearest_in(rows_of(block), name); }
std::string_view nearest_option(Block block, std::string_view name) {
    constexpr std::size_t kShortest = 3;  // iproute2 takes the beginning of a word for the word
    if (const auto near = nearest_in(options_of(block), name); !near.empty() || name.size() < kShortest) return near;
    const auto same =
        std::ranges::find_if(options_of(block), [name](const auto* row) { return row->name.starts_with(name); });
    return same == options_of(block).end() ? std::string_view{} : (*same)->name;
}

std::string_view nearest_choice(std::string_view choices, std::string_view word) {
    std::vector<std::string_view> names;
    while (!choices.empty()) {
        const std::size_t bar = choices.find('|');
        names.push_back(choices.substr(0, bar));
        choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    }
    return nearest(word, names);
}

}  // namespace mainstay::config
