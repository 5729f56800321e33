// Setters of vrrp_instance and vrrp_sync_group. What needs the whole block, or several, is in check_vrrp.cpp.
#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "setters.hpp"

namespace mainstay::config {

void refuse_known_name(ParseContext& r, const Value& v) {
    auto& d = r.diag.error(Code::DuplicateName, v.mark, fmt::format("{} {} is defined already", v.row.name, v.word));
    d.effect = "the whole block is ignored";
    d.fix = "rename it, or delete one of the two";
    r.skip_block = true;
}

namespace {

constexpr std::size_t kPasswordBytes = 8;

// keepalived: a second block of the same name is passed over.
bool is_new_name(ParseContext& r, NameIndex& names, const Value& v, std::size_t index) {
    if (names.emplace(std::string{v.word}, index).second) return true;
    refuse_known_name(r, v);
    return false;
}

const Section* last_track_group(const ParseContext& r) {
    const Section* last = nullptr;
    for (const Section& section : r.more->sections)
        if (section.keyword == keyword::track_group && !section.names.empty()) last = &section;
    return last;
}

// keepalived passes over a block whose name is none, or of several words.
bool has_one_name(ParseContext& r, const Value& v) {
    if (v.count() == 1) return true;
    const std::string_view keyword = v.row.name;
    auto& d = r.diag.error(
        Code::NoName, v.mark,
        v.absent ? fmt::format("{} has no name", keyword) : fmt::format("the name of a {} is one word", keyword));
    d.expected = fmt::format("{} NAME {{", keyword);
    d.effect = "the whole block is ignored";
    if (!v.absent) d.fix = "put the name in double quotes or write it without blanks";
    r.skip_block = true;
    return false;
}

Mark device_mark(const Value& v) {
    for (std::size_t i = 1; i + 1 < v.count(); ++i)
        if (v.arg(i) == "dev") return v.arg_mark(i + 1);
    return v.mark;
}

}  // namespace

void begin_group(ParseContext& r, const Value& v) {
    if (!has_one_name(r, v)) return;
    if (!is_new_name(r, r.group_names, v, r.groups.size())) return;
    r.group = &r.groups.emplace_back();
    r.group->model.name = v.word;
    r.group->name = v.mark;
}

// keepalived: the first list of members counts, of a sync group and of a track_group.
void begin_members(ParseContext& r, const Value& v) {
    bool given = false;
    std::string owner;
    if (r.group != nullptr) {
        given = std::exchange(r.group->members_given, true);
        owner = fmt::format("sync group {}", r.group->model.name);
    } else if (const Section* last = last_track_group(r); last != nullptr) {
        given = std::ranges::any_of(last->sections, [&](const Section& s) { return s.keyword == v.row.name; });
        owner = fmt::format("track_group {}", last->names.front());
    }
    if (!given) return;
    auto& d = r.diag.error(Code::GivenTwice, v.mark, fmt::format("{} has a second block group", owner));
    d.effect = "the whole block is ignored: its members are not in the group";
    d.fix = "write all members into one block group";
    r.skip_block = true;
}

void begin_track_group(ParseContext& r, const Value& v) {
    if (find_section(r.more->sections, keyword::track_group, v.word) != nullptr) refuse_known_name(r, v);
}

void add_member(ParseContext& r, const Value& v) { r.group->members.emplace_back(v.word, v.mark); }

void begin_instance(ParseContext& r, const Value& v) {
    if (!has_one_name(r, v)) return;
    if (!is_new_name(r, r.instance_names, v, r.instances.size())) return;
    r.instance = &r.instances.emplace_back(r.instance_models.add(), r.instances.size());
    r.instance->model.name = v.word;
    r.instance->name = v.mark;
}

void set_state(ParseContext& r, const Value& v) {
    InstanceDraft& i = *r.instance;
    if (v.word == "MASTER") {
        i.model.initial_master = true;  // keepalived: a later BACKUP does not take it back
        i.state = v.mark;
        return;
    }
    if (v.word == "BACKUP") {
        if (i.state.length == 0) i.state = v.mark;
        return;
    }
    auto& d = r.diag.error(Code::UnknownWord, v.mark,
                           fmt::format("({}) state is MASTER or BACKUP, got '{}'", i.model.name, v.word));
    d.expected = "MASTER or BACKUP, in capitals";
    d.effect = "BACKUP is used";
    if (i.state.length == 0) i.state = v.mark;
    const auto near =
        v.word == "SLAVE" || v.word == "slave" ? std::string_view{"BACKUP"} : nearest_choice("MASTER|BACKUP", v.word);
    if (!near.empty()) d.fix = fmt::format("write `state {}`", near);
}

void set_interface(ParseContext& r, const Value& v) {
    if (v.word.size() > kMostInterfaceName) {
        r.diag.error(Code::TooLong, v.mark,
                     fmt::format("interface names have at most {} characters, got {}", kMostInterfaceName, v.word));
        return;
    }
    r.instance->model.interface = v.word;
    r.instance->interface = v.mark;
}

void set_version(ParseContext& r, const Value& v) {
    if (const auto before = r.instance->version_given; before && *before != u8(v)) {
        r.diag
            .error(Code::GivenTwice, v.mark,
                   fmt::format("({}) version {} was given before", r.instance->model.name, *before))
            .effect = fmt::format("version {} is used", *before);
        return;
    }
    if (u8(v) == 2 && r.instance->family_so_far == Family::V6) {
        auto& d = r.diag.error(
            Code::VersionConflict, v.mark,
            fmt::format("({}) version 2 stands below lines that make the instance IPv6", r.instance->model.name));
        d.effect = "it is ignored, as keepalived does: version 3 is used";
        d.fix = "delete it: VRRP version 2 is for IPv4";
        return;
    }
    r.instance->version_given = u8(v);
    r.instance->version = v.mark;
}

void set_auth_type(ParseContext& r, const Value& v) {
    InstanceDraft& i = *r.instance;
    i.authentication = v.mark;
    i.model.auth_type = AuthType::None;
    if (v.word == "PASS") {
        i.model.auth_type = AuthType::Pass;
    } else if (v.word == "AH") {
        i.model.auth_type = AuthType::Ah;
    } else {
        // On the wire mainstay does the same as keepalived, or a half-migrated pair would have two masters.
        auto& d = r.diag.error(Code::UnknownWord, v.mark,
                               fmt::format("({}) unknown authentication type '{}'", i.model.name, v.word));
        d.expected = "PASS or AH, in capitals";
        d.effect = "adverts are sent and accepted without authentication, as keepalived does; auth_pass is not used";
        d.fix = fmt::format("write `auth_type {}` on all routers of the pair at the same time, or delete the block",
                            v.word == "ah" || v.word == "Ah" ? "AH" : "PASS");
    }
    if (v.count() > 2 && v.arg(1) == "auth_pass") {
        auto& d = r.diag.error(Code::SurplusWords, v.arg_mark(1),
                               fmt::format("({}) auth_pass is on the line of auth_type and is ignored", i.model.name));
        d.effect = "there is no password: adverts are sent and accepted without authentication";
        d.fix = "put auth_pass on a separate line";
        i.model.auth_type = AuthType::None;
    }
}

void set_auth_pass(ParseContext& r, const Value& v) {
    InstanceDraft& i = *r.instance;
    if (i.model.auth_type == AuthType::None) i.authentication = v.mark;
    i.model.auth_pass = v.word.substr(0, kPasswordBytes);
    if (v.word.size() > kPasswordBytes) {
        auto& d = r.diag.warn(Code::TooLong, v.mark,
                              fmt::format("auth_pass has {} characters; VRRP carries 8", v.word.size()));
        d.effect = "only the first 8 are used";
        d.fix = "write the first 8 alone: it is the same password";
    }
}

void add_virtual_address(ParseContext& r, const Value& v) {
    InstanceDraft& i = *r.instance;
    if (i.addresses.length == 0) i.addresses = v.mark;
    if (auto address = read_virtual_address(r, v)) {
        i.model.addresses.push_back(std::move(*address));
        i.address_marks.push_back({v.mark, device_mark(v)});
        i.fix_family(i.model.addresses.back().prefix.address.family());
    }
}

void add_excluded_address(ParseContext& r, const Value& v) {
    if (auto address = read_virtual_address(r, v)) {
        r.instance->model.excluded_addresses.push_back(std::move(*address));
        r.instance->excluded_marks.push_back({v.mark, device_mark(v)});
    }
}

void set_native_ipv6(ParseContext& r, const Value& v) {
    InstanceDraft& i = *r.instance;
    if (i.family_so_far == Family::V4) {
        auto& d = r.diag.error(Code::FamilyMismatch, v.mark,
                               fmt::format("({}) native_ipv6 stands below IPv4 addresses", i.model.name));
        d.effect = "it is ignored: the instance is IPv4";
        d.fix = "delete it, or give the instance IPv6 addresses";
        return;
    }
    i.fix_family(Family::V6);
    i.native_ipv6 = true;
    if (i.version_given != 2) return;
    auto& d = r.diag.advise(Code::VersionConflict, i.version,
                            fmt::format("({}) version 2 has no effect with native_ipv6", i.model.name));
    d.effect = "version 3 is used";
    d.fix = "delete it";
}

// keepalived: the last one of accept and no_accept counts. The row's own keyword is kept by the parser.
void set_accept(ParseContext& r, const Value& v) {
    const KeywordName other =
        v.row.name == keyword::accept.text ? KeywordName{keyword::no_accept} : KeywordName{keyword::accept};
    if (is_given(r.instance->model.more->values, other)) drop_value(r.instance->model.more.edit().values, other);
}

// A unicast keyword, which has no effect without peers.
void note_unicast(ParseContext& r, const Value& v) {
    r.instance->unicast_keyword = true;
    if (r.instance->unicast.length == 0) r.instance->unicast = v.mark;
}

// unicast_src_ip and mcast_src_ip
void set_source(ParseContext& r, const Value& v) {
    r.instance->model.source = v.address;
    r.instance->fix_family(v.address.family());
    r.instance->source = v.mark;
    if (v.row.name != "unicast_src_ip") return;
    r.instance->source_is_unicast = true;
    note_unicast(r, v);
}

void set_multicast_destination(ParseContext& r, const Value& v) {
    if (!v.address.is_multicast()) {
        r.diag.error(Code::NotAnAddress, v.mark, fmt::format("mcast_dst_ip needs a multicast address, got {}", v.word))
            .effect = "the keyword is ignored";
        return;
    }
    if (v.address.is_v6() && !is_link_local_group(v.address)) {
        auto& d = r.diag.error(Code::NotAnAddress, v.mark,
                               fmt::format("mcast_dst_ip needs a link-local group, got {}", v.word));
        d.expected = "a group like ff02::12";
        d.effect = "the keyword is ignored";
        return;
    }
    r.instance->model.multicast_group = v.address;
    r.instance->fix_family(v.address.family());
    r.instance->multicast_group = v.mark;
}

}  // namespace mainstay::config
