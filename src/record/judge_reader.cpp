#include "mainstay/record/judge_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mainstay/config/members.hpp"
#include "mainstay/lvs/fact_state.hpp"
#include "reading.hpp"

namespace mainstay::record {

namespace {

std::int64_t micros(Instant at) { return std::chrono::duration_cast<Micros>(at.time_since_epoch()).count(); }

Result<JudgeChanged> read_change(ByteReader& in) {
    JudgeChanged changed;
    for (std::size_t count = in.length(); count > 0 && in.ok(); --count) {
        const std::uint64_t at = in.number();
        auto service = decode<config::VirtualServer>(in.raw(in.length()));
        if (!in.ok()) break;
        if (!service) return error_of(service, "a virtual server in the record");
        if (!has_possible_times(*service)) return damaged("a virtual server has an impossible time");
        changed.services.emplace_back(at, std::move(*service));
    }
    return changed;
}

lvs::Fact read_fact(ByteReader& in) {
    std::uint8_t index = 0;
    in(index);
    lvs::Fact fact = lvs::DeadlineReached{};
    if (index == lvs::Fact{lvs::ConnectionsCounted{}}.index())
        in(fact.emplace<lvs::ConnectionsCounted>());
    else if (index == lvs::Fact{lvs::AddressesChanged{}}.index())
        in(fact.emplace<lvs::AddressesChanged>());
    else
        in.refuse();
    return fact;
}

template <class Configured>
Result<void> read_configured(ByteReader& in, Configured& configured) {
    auto config = read_configuration(in);
    if (!config) return error_of(config);
    configured.config = std::move(*config);
    return {};
}

}  // namespace

Result<KeyFrame> JudgeSegmentReader::key_frame() {
    ByteReader in{bytes_};
    KeyFrame frame;
    in(frame.now, frame.wall, frame.continues);
    if (auto read = read_configured(in, frame); !read) return error_of(read);
    at_ = bytes_.size() - in.left();
    frame.state = bytes_.subspan(at_);
    last_ = frame.now;
    wall_offset_us_ = frame.wall.unix_us - micros(frame.now);
    return frame;
}

void JudgeSegmentReader::entries_after(std::size_t state_bytes) { at_ += std::min(state_bytes, bytes_.size() - at_); }

// 0: empty; 1: it follows; else where in this segment it is, and 2.
std::string JudgeSegmentReader::read_text(ByteReader& in) const {
    constexpr std::uint64_t kEmpty = 0, kFollows = 1, kFirstPlace = 2;
    const std::uint64_t what = in.number();
    std::string text;
    if (!in.ok() || what == kEmpty) return text;
    if (what == kFollows) {
        in(text);
        return text;
    }
    const std::size_t here = bytes_.size() - in.left();
    const std::uint64_t at = what - kFirstPlace;
    if (at >= here) {
        in.refuse();
        return text;
    }
    ByteReader there{bytes_.subspan(at, here - at)};
    there(text);
    if (!there.ok()) in.refuse();
    return text;
}

lvs::CheckFinished JudgeSegmentReader::read_finished(ByteReader& in) const {
    lvs::CheckFinished fact;
    fact.checker = in.number();
    in(fact.outcome);
    const std::int64_t duration = in.signed_number();
    fact.duration = Micros{std::clamp(duration, -ByteReader::kTimeMax, ByteReader::kTimeMax)};
    fact.reason = read_text(in);
    fact.words = read_text(in);
    in(fact.weight, fact.weight_percent);
    if (fact.outcome > lvs::Outcome::NotRun) in.refuse();
    return fact;
}

Result<void> JudgeSegmentReader::read_what(ByteReader& in, JudgeEntryKind kind, JudgeEntry& entry) const {
    switch (kind) {
        case JudgeEntryKind::CheckFinished:
            entry.what = lvs::Fact{read_finished(in)};
            return {};
        case JudgeEntryKind::Deadline:
            entry.what = lvs::Fact{lvs::DeadlineReached{}};
            return {};
        case JudgeEntryKind::Fact:
            entry.what = read_fact(in);
            return {};
        case JudgeEntryKind::Command:
            in(entry.what.emplace<lvs::ServerCommand>());
            return {};
        case JudgeEntryKind::Start: {
            auto& started = entry.what.emplace<JudgeStarted>();
            if (auto read = read_configured(in, started); !read) return read;
            in(started.memory, started.overrides, started.host);
            return {};
        }
        case JudgeEntryKind::Reload: {
            auto& reloaded = entry.what.emplace<JudgeReloaded>();
            if (auto read = read_configured(in, reloaded); !read) return read;
            in(reloaded.host);
            return {};
        }
        case JudgeEntryKind::Change: {
            auto changed = read_change(in);
            if (!changed) return error_of(changed);
            entry.what = std::move(*changed);
            return {};
        }
        case JudgeEntryKind::Stop:
            in(entry.what.emplace<JudgeStopped>().keep);
            return {};
    }
    in.refuse();
    return {};
}

Result<std::optional<JudgeEntry>> JudgeSegmentReader::next() {
    if (at_ == bytes_.size()) return std::nullopt;
    ByteReader in{bytes_.subspan(at_)};
    JudgeEntry entry;
    JudgeEntryKind kind{};
    in(kind);
    entry.now = read_time(in, last_);
    const std::int64_t moved = in.signed_number();
    if (moved > ByteReader::kTimeMax || moved < -ByteReader::kTimeMax) in.refuse();
    const std::int64_t offset = in.ok() ? wall_offset_us_ + moved : 0;
    if (offset > ByteReader::kTimeMax || offset < -ByteReader::kTimeMax) in.refuse();
    entry.wall = WallTime{micros(entry.now) + offset};
    if (in.ok())
        if (auto read = read_what(in, kind, entry); !read) return error_of(read);
    for (std::size_t count = in.length(); count > 0 && in.ok(); --count) entry.drawn.emplace_back(in.signed_number());
    entry.intents = read_summary(in);
    if (!in.ok()) return damaged(fmt::format("the entry at byte {} of a segment", at_));
    at_ = bytes_.size() - in.left();
    last_ = entry.now;
    wall_offset_us_ = offset;
    return entry;
}

}  // namespace mainstay::record
