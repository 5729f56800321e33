// The report of a reload names each keyword of the schema whose value changes. src/config/tools/differences.cpp lists
// the members of the model by hand: a keyword that is forgotten there fails here.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "diff_text.hpp"
#include "mainstay/config/schema/schema.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::role::test;

namespace {

const std::string kInstanceText =
    "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\npriority 77\nauthentication {\nauth_type PASS\nauth_pass "
    "first\n}\n"
    "virtual_ipaddress {\n10.9.9.9\n}\n";
const std::string kServiceText = "virtual_server 10.9.9.9 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n";
const std::string kServerText = "real_server 10.1.1.1 80 {\nweight 50\n";
const std::string kCheckText = "HTTP_GET {\nurl {\npath /a\n}\n}\n";
const std::string kOtherServer = "real_server 10.1.1.2 80 {\nlvs_method NAT\n}\n";
// What checks of this host refer to.
const std::string kTracked =
    "track_file one {\nfile /a\n}\ntrack_file two {\nfile /b\n}\nbfd_instance one {\nneighbor_ip 10.0.0.2\n}\n"
    "bfd_instance two {\nneighbor_ip 10.0.0.3\n}\n";

struct Around {
    std::string before, behind;
};

// What is around a line in this block; empty: its values are not settings of an object that a reload compares.
Around around(Block block) {
    switch (block) {
        case Block::GlobalDefs:
            return {"global_defs {\n", "}\n"};
        case Block::Instance:
            return {kInstanceText, "}\n"};
        case Block::Authentication:
            return {kInstanceText + "authentication {\n", "}\n}\n"};
        case Block::SyncGroup:
            return {kInstanceText + "}\nvrrp_sync_group G {\ngroup {\nV\n}\n", "}\n"};
        case Block::Script:
            return {"vrrp_script S {\nscript /bin/true\n", "}\n" + kInstanceText + "track_script {\nS\n}\n}\n"};
        case Block::Service:
            return {kServiceText, kServerText + kCheckText + "}\n}\n"};
        case Block::RealServer:
            return {kServiceText + kServerText, kCheckText + "}\n" + kOtherServer + "}\n"};
        default:
            break;
    }
    if (block == Block::HttpUrl || block == Block::SslUrl) {
        auto outer = around(parent_of(block));
        return {outer.before + "url {\npath /x\n", "}\n" + outer.behind};
    }
    if (parent_of(block) != Block::RealServer || block == Block::SmtpHost) return {};
    const std::string_view path = path_of(block);
    const std::string name{path.substr(path.rfind('/') + 1)};
    std::string needed;
    if (block == Block::HttpGet || block == Block::SslGet) needed = "url {\npath /first\n}\n";
    if (block == Block::MiscCheck) needed = "misc_path /bin/true\n";
    if (block == Block::FileCheck) needed = "track_file one\n";
    // Of two names the first one counts.
    const std::string behind = block == Block::BfdCheck ? "name one\n" : "";
    return {kTracked + kServiceText + kServerText + name + " {\n" + needed, behind + "}\n}\n}\n"};
}

std::vector<std::string> parts_of(std::string_view choices) {
    std::vector<std::string> parts;
    while (!choices.empty()) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        parts.emplace_back(choices.substr(0, bar));
        choices.remove_prefix(std::min(bar + 1, choices.size()));
    }
    return parts;
}

// Lines that give the keyword values, of which two at least should differ.
std::vector<std::string> lines_for(const KeywordSpec& row) {
    std::vector<std::string> arguments;
    const auto& args = row.args;
    switch (args.takes) {
        case Takes::Flag:
            arguments = {""};
            break;
        case Takes::Bool:
            arguments = {"on", "off"};
            break;
        case Takes::Integer:
        case Takes::WholeSeconds:
            arguments = {std::to_string(args.low), std::to_string(args.low + 1),
                         std::to_string(std::min<std::int64_t>(args.low + 7, args.high))};
            break;
        case Takes::Seconds:
            arguments = {"1", "2", "0.5", "0.01"};
            break;
        case Takes::Millis:
        case Takes::Duration:
            arguments = {"100", "200"};
            break;
        case Takes::Address:
            arguments = {"192.0.2.1", "192.0.2.2", "224.0.0.19", "2001:db8::1", "ff02::99"};
            break;
        case Takes::Prefix:
            arguments = {"192.0.2.1/24", "192.0.2.2/25"};
            break;
        case Takes::Command:
            arguments = {"/bin/true", "/bin/false"};
            break;
        case Takes::Word:
            arguments = {
                "one", "two", "eth0", "eth1", "/a", "/b", "1", "2", "a b", "200", "0123456789abcdef0123456789abcdef"};
            break;
        case Takes::NumberList:
            for (const auto number : {args.low, args.low + 1}) {
                auto& words = arguments.emplace_back(std::to_string(number));
                for (int i = 1; i < args.words_min; ++i) words += " " + std::to_string(number);
            }
            arguments.emplace_back("1-2");
            break;
        case Takes::Line:
            arguments = {"", "v1"};
            if (args.opens == Block::Tunnel) arguments = {"NAT", "DR"};
            break;
        default:
            break;
    }
    for (const auto& choice : parts_of(args.choices)) arguments.push_back(choice);
    if (const auto blank = row.example.find(' '); row.example.starts_with(row.name) && blank != std::string_view::npos)
        arguments.emplace_back(row.example.substr(blank + 1));
    std::vector<std::string> lines{""};
    for (const auto& argument : arguments)
        lines.push_back(std::string{row.name} + (argument.empty() ? "" : " ") + argument + "\n");
    return lines;
}

// Lines without which a keyword has no effect.
const std::map<std::string_view, std::string_view> kNeeds{
    {"active_active", "lb_algo mh\nlb_kind DR\nmh-fallback\nmh-port\n"},
    {"bind_port", "bindto 192.0.2.1\n"},
    {"hysteresis", "quorum 9\n"},
    {"mh-fallback", "lb_algo mh\n"},
    {"mh-port", "lb_algo mh\n"},
    {"ops", "protocol UDP\n"},
    {"preempt", "nopreempt\n"},
    {"sh-fallback", "lb_algo sh\n"},
    {"sh-port", "lb_algo sh\n"},
    {"sorry_server_inhibit", "sorry_server 10.1.1.9 80\n"},
    {"sorry_server_lvs_method", "sorry_server 10.1.1.9 80\n"},
    {"unicast_src_ip", "unicast_peer {\n192.0.2.7\n}\n"},
};
// Under which other name a keyword may be shown: its successor's, or that of the service which sets it for all.
const std::map<std::string_view, std::string_view> kOtherNames{
    {"global_tracking", "sync_group_tracking_weight"},
    {"lvs_flush_onstop", "lvs_flush_on_stop"},
    {"lvs_method", "lb_kind"},
    {"lvs_sched", "lb_algo"},
    {"nb_get_retry", "retry"},
    {"preempt", "nopreempt"},
    {"user", "script"},
};
// Keywords that make another object of it, which is shown as one that goes and one that comes; without what they name a
// check goes.
const std::set<std::string_view> kIdentity{"mcast_dst_ip", "name", "protocol", "track_file", "unicast_src_ip"};
// Keywords that say something about other lines of the file, and leave the model as it is.
const std::set<std::string_view> kNotValues{"ip_family", "native_ipv6", "no_virtual_ipaddress"};

bool names(const std::string& text, std::string_view keyword) {
    for (auto at = text.find(keyword); at != std::string::npos; at = text.find(keyword, at + 1)) {
        const bool begins = at == 0 || text[at - 1] == ' ';
        const std::size_t end = at + keyword.size();
        if (begins && (end == text.size() || text[end] == ' ' || text[end] == ':')) return true;
    }
    return false;
}

bool shows(const role::ReloadDiff& diff, std::string_view keyword) {
    const auto other = kOtherNames.find(keyword);
    return std::ranges::any_of(diff.changes, [&](const role::ReloadChange& change) {
        if (kIdentity.contains(keyword) && change.action != role::ReloadChange::Action::Change) return true;
        return names(change.name, keyword) || std::ranges::any_of(change.details, [&](const role::ReloadDetail& one) {
                   return (kIdentity.contains(keyword) && one.text.contains("_CHECK removed")) ||
                          (kIdentity.contains(keyword) && one.text.ends_with("_CHECK added")) ||
                          names(one.text, keyword) || (other != kOtherNames.end() && names(one.text, other->second));
               });
    });
}

struct Outcome {
    std::size_t loaded = 0;
    bool changed = false;
    std::string unnamed;  // what is said where the keyword is not named
};

Outcome outcome_of(const KeywordSpec& row, const Around& near) {
    std::vector<Config> models;
    const auto needs = kNeeds.find(row.name);
    const std::string first = needs != kNeeds.end() ? std::string{needs->second} : std::string{};
    for (const auto& line : lines_for(row)) {
        auto loaded = load_text("x.conf", near.before + first + line + near.behind, {});
        if (loaded.can_run()) models.push_back(std::move(loaded.config));
    }
    Outcome outcome{.loaded = models.size(), .unnamed = {}};
    for (const auto& before : models)
        for (const auto& after : models) {
            if (before == after) continue;
            outcome.changed = true;
            const auto diff = role::diff_reload(before, after);
            if (!shows(diff, row.name) && outcome.unnamed.empty()) outcome.unnamed = role::as_text(diff);
        }
    return outcome;
}

}  // namespace

TEST_CASE("each keyword whose value changes is named by the report of the reload") {
    std::size_t compared = 0;
    for (std::size_t number = 0; number < static_cast<std::size_t>(Block::kCount); ++number) {
        const auto block = static_cast<Block>(number);
        const Around near = around(block);
        if (near.before.empty()) continue;
        for (const KeywordSpec* row : rows_of(block)) {
            if (is_block(row->args.takes)) continue;
            const std::string keyword = std::string{path_of(block)} + " " + std::string{row->name};
            CAPTURE(keyword);
            const auto outcome = outcome_of(*row, near);
            CAPTURE(outcome.loaded);
            CHECK(outcome.changed != kNotValues.contains(row->name));
            CHECK(outcome.unnamed == "");
            if (outcome.changed) ++compared;
        }
    }
    CHECK(compared > 250);
}
