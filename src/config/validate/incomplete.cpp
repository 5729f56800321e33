#include "incomplete.hpp"

namespace mainstay::config {
namespace {

void check_subject(ParseContext& r, Mark opened, const KeywordValues& values) {
    if (r.tracked.empty()) return;
    auto& tracker = r.tracked.back();
    const std::string_view wanted = tracker.keyword == "track_file" ? "file" : "process";
    if (find_value(values, wanted) != nullptr) return;
    tracker.used = true;  // said here: nothing of it is used
    auto& d = r.diag.error(Code::TrackerWithoutSubject, opened,
                           fmt::format("{} {} has no {}", tracker.keyword, tracker.name, wanted));
    d.effect = "it is left out, and so are its trackers";
    d.fix = fmt::format("add `{} {}`", wanted, wanted == "file" ? "PATH" : "NAME");
}

void check_garp_group(ParseContext& r, Mark opened, const KeywordValues& values) {
    if (find_value(values, "garp_interval") != nullptr || find_value(values, "gna_interval") != nullptr) return;
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
