#include "value_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/config/keywords.hpp"

namespace mainstay::config {

KeywordData data_of(const Value& v) {
    const auto words = [&] {
        WordList list;
        const std::size_t most = std::min(v.count(), argument_words(v.row.args));
        for (std::size_t i = 0; i < most; ++i) list.emplace_back(v.arg(i));
        return list;
    };
    switch (v.row.args.takes) {
        case Takes::Flag:
            return true;
        case Takes::Bool:
            return v.on;
        case Takes::Integer:
            return v.named ? KeywordData{WordList{std::string{v.word}}} : KeywordData{v.number};
        case Takes::Duration:
            return v.named ? KeywordData{v.number} : KeywordData{v.time};
        case Takes::Seconds:
        case Takes::WholeSeconds:
        case Takes::Millis:
            return v.named ? KeywordData{WordList{std::string{v.word}}} : KeywordData{v.time};
        case Takes::Address:
            return v.address;
        case Takes::AddressRange:
            if (v.named) return WordList{v.prefix.address.to_string(), v.range_end.to_string()};
            return v.word.find('/') == std::string_view::npos ? KeywordData{v.prefix.address} : KeywordData{v.prefix};
        case Takes::Prefix:
            return v.named ? KeywordData{WordList{std::string{v.word}}} : KeywordData{v.prefix};
        case Takes::Command:
            return v.command;
        case Takes::NumberList:
            return v.named ? KeywordData{WordList{std::string{v.word}}} : KeywordData{v.numbers};
        default:
            return v.row.args.high != 0 && !v.absent ? KeywordData{WordList{std::string{v.word}}}
                                                     : KeywordData{words()};
    }
}

namespace {

// An old name that does what its successor does is printed as that, and so it stands under that.
std::string_view name_of(const KeywordSpec& row) {
    std::string_view name = row.set != nullptr && !row.deprecated.empty() ? row.deprecated : row.name;
    if (!row.same_as.empty() && !row.args.in_line) name = row.same_as;  // the last one counts, whichever name it has
    if (name.starts_with('<') && name.ends_with('>')) name = name.substr(1, name.size() - 2);
    return name;
}

// One that must be there; use_vmac and lvs_sync_daemon name one that may come.
bool names_interface(const KeywordSpec& row) {
    return row.form == "<ifname>" &&
           (row.name == "dev" || row.name == "oif" || row.name == "iif" || row.name == "interface");
}

void put(KeywordValues& values, const KeywordSpec& row, std::string name, KeywordData data) {
    const auto have = std::ranges::find(values, name, &KeywordValue::keyword);
    if (have != values.end() && row.repeat != Repeat::Accumulates) {
        have->data = std::move(data);
        return;
    }
    const auto at = std::ranges::upper_bound(values, name, {}, &KeywordValue::keyword);
    values.insert(at, {std::move(name), std::move(data)});
}

bool first_stays(ParseContext& r, const Value& v, bool have) {
    if (v.row.repeat != Repeat::FirstWins || !have) return false;
    r.diag.error(Code::GivenTwice, v.mark, fmt::format("{} was given before", v.row.name)).effect =
        "the first one is kept";
    return true;
}

// Of vrrp_track_process: both could never hold at once. keepalived ignores the one that comes later.
bool contradicts_quorum(ParseContext& r, const KeywordValues& values, const Value& v) {
    const bool least = v.row.name == keyword::quorum.text;
    if (!least && v.row.name != keyword::quorum_max.text) return false;
    const auto other = least ? value_of(values, keyword::quorum_max) : value_of(values, keyword::quorum);
    if (!other || (least ? v.number <= *other : v.number >= *other)) return false;
    if (!least && v.number == 0 && *other == 1) return false;  // the default, be it written: no process may run
    auto& d = r.diag.error(
        Code::OutOfRange, v.mark,
        fmt::format("quorum_max {} is less than quorum {}", least ? *other : v.number, least ? v.number : *other));
    d.effect = fmt::format("this {} is ignored: no number of processes could meet both", v.row.name);
    d.fix = "make quorum_max at least as great as quorum";
    return true;
}

}  // namespace

bool is_process_delay(const KeywordSpec& row) {
    return row.blocks.has(Block::TrackProcess) && row.name.ends_with("delay");
}

void keep(ParseContext& r, KeywordValues& values, const Value& v) {
    if (contradicts_quorum(r, values, v)) return;
    if (names_interface(v.row) && !v.word.empty()) r.named_interfaces.push_back({std::string{v.word}, v.mark, {}});
    if (v.row.args.in_line && (v.row.name == "track_group" || v.row.name == "vrf"))
        r.named_in_lines.push_back({&v.row, std::string{v.word}, v.mark});
    if (v.row.name == keyword::nftables_ipvs.text) r.nftables_ipvs = v.mark;
    const std::string name{name_of(v.row)};
    if (first_stays(r, v, find_value(values, KeywordName{name}) != nullptr)) return;
    if (is_process_delay(v.row) && name == keyword::delay.text)
        drop_value(values, keyword::fork_delay), drop_value(values, keyword::terminate_delay);
    put(values, v.row, name, data_of(v));
    for (const std::string_view word : {v.lead, v.tail})
        if (!word.empty()) put(values, v.row, fmt::format("{} {}", name, word), true);
}

void keep_line(ParseContext& r, std::vector<Section>& sections, const Value& v, Section line) {
    line.keyword = v.row.name;
    const auto have = std::ranges::find(sections, v.row.name, &Section::keyword);
    if (first_stays(r, v, have != sections.end())) return;
    if (have == sections.end() || v.row.repeat == Repeat::Accumulates)
        add_section(sections, std::move(line));
    else
        *have = std::move(line);
}

Section& add_section(std::vector<Section>& sections, Section section) {
    const auto at = std::ranges::upper_bound(sections, section.keyword, {}, &Section::keyword);
    return *sections.insert(at, std::move(section));
}

CompactOptional<ExtraSettings>* more_of(ParseContext& r, Block block) {
    switch (block) {
        case Block::Root:
            return &r.more;
        case Block::GlobalDefs:
            return &r.global.more;
        case Block::Instance:
            return &r.instance->model.more;
        case Block::SyncGroup:
            return &r.group->model.more;
        case Block::Script:
            return &r.script->model.more;
        case Block::Service:
            return &r.service->model.more;
        case Block::RealServer:
            return &r.server->model.more;
        case Block::HttpUrl:
        case Block::SslUrl:
            return &r.url->more;
        default:
            return parent_of(block) == Block::RealServer ? &r.checker->model.more : nullptr;
    }
}

}  // namespace mainstay::config
