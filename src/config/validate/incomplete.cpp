#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

// keepalived (2.2.7) and mainstay compare names; what has blanks between quotes is one name, and splits nothing.
void check_name(ParseContext& r, Mark opened, const KeywordValues& values) {
    if (is_given(values, keyword::full_command) || is_given(values, keyword::param_match)) return;
    const auto words = words_of(values, keyword::process);
    if (words.size() != 1) return;
    const std::string& name = words.front();
    const std::size_t blank = name.find(' ');
    if (blank == std::string::npos || (!name.starts_with('/') && name.find(" -") == std::string::npos)) return;
    auto& d = r.diag.advise(
        Code::ProcessNeverMatches, opened,
        fmt::format("vrrp_track_process {} looks for a process that is called '{}'", r.tracked.back().name, name));
    d.effect = "no process is ever counted: its parameters are no part of the name";
    d.fix = fmt::format("write `process {}` without quotes to compare the whole command line, or `process {}` alone",
                        name, name.substr(0, blank));
}

void check_subject(ParseContext& r, Mark opened, const KeywordValues& values) {
    if (r.tracked.empty()) return;
    auto& tracker = r.tracked.back();
    const Keyword<WordList>& wanted = tracker.keyword == keyword::track_file ? keyword::file : keyword::process;
    if (find_value(values, wanted) != nullptr) {
        if (wanted == keyword::process.text) check_name(r, opened, values);
        return;
    }
    tracker.used = true;  // said here: nothing of it is used
    auto& d = r.diag.error(Code::TrackerWithoutSubject, opened,
                           fmt::format("{} {} has no {}", tracker.keyword, tracker.name, wanted.text));
    d.effect = "it is left out, and so are its trackers";
    d.fix = fmt::format("add `{} {}`", wanted.text, wanted == keyword::file.text ? "PATH" : "NAME");
}

// keepalived: an interface stays in the first garp_group that names it.
void check_garp_interfaces(ParseContext& r, Mark opened) {
    WordList names;
    std::size_t before = 0;  // of them, those of the groups above
    const auto add = [&](const KeywordValue& value) {
        if (const auto* words = std::get_if<WordList>(&value.data))
            names.insert(names.end(), words->begin(), words->end());
    };
    for (const Section& group : r.more->sections) {
        if (group.keyword != keyword::garp_group) continue;
        before = names.size();
        for (const KeywordValue& value : group.values)
            if (value.keyword == keyword::interface) add(value);
        for (const Section& list : group.sections)
            if (list.keyword == keyword::interfaces) std::ranges::for_each(list.values, add);
    }
    for (std::size_t i = before; i < names.size(); ++i) {
        const auto here = names.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(names.begin(), here, names[i]) == here) continue;
        auto& d =
            r.diag.error(Code::GivenTwice, opened, fmt::format("interface {} is in a garp_group already", names[i]));
        d.effect = "it stays in the first one";
        d.fix = "name each interface in one garp_group";
    }
}

void check_garp_group(ParseContext& r, Mark opened, const KeywordValues& values) {
    if (is_given(values, keyword::garp_interval) || is_given(values, keyword::gna_interval))
        return check_garp_interfaces(r, opened);
    auto& d = r.diag.error(Code::EmptyBlock, opened, "garp_group has neither garp_interval nor gna_interval");
    d.effect = "the group is left out";
}

}  // namespace

void check_complete(ParseContext& reading, Block block, Mark opened, const KeywordValues& values) {
    if (block == Block::GarpGroup)
        check_garp_group(reading, opened, values);
    else
        check_subject(reading, opened, values);
}

}  // namespace mainstay::config
