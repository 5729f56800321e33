#include "mainstay/record/replay.hpp"

#include <fmt/format.h>

#include <utility>

#include "run.hpp"

namespace mainstay::record {

namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

struct RouterKind {
    using Machine = vrrp::Router;
    using Reader = SegmentReader;
    using Entry = record::Entry;
    using OnStep = record::OnStep;
    using OnKeyFrame = record::OnKeyFrame;
    static constexpr auto kMachine = record::Machine::Router;

    static Result<vrrp::Router> resume(const KeyFrame& frame, ByteReader& state) {
        return vrrp::Router::resume(frame.config, state);
    }
    static WallTime time_of(const KeyFrame& frame, const Entry& entry) {
        return {frame.wall.unix_us + std::chrono::duration_cast<Micros>(entry.now - frame.now).count()};
    }
    static vrrp::Intents step(vrrp::Router& router, const Entry& entry) {
        return std::visit(
            Overloaded{
                [&](const vrrp::Fact& fact) { return router.step(fact, entry.now); },
                [&](const Started& started) {
                    return router.start(entry.now, started.previous ? &*started.previous : nullptr);
                },
                [&](const Reloaded& reloaded) { return router.reload(reloaded.config, reloaded.host, entry.now); }},
            entry.what);
    }
    static Result<void> check(const vrrp::Router&, const Entry&) { return {}; }
    static std::string difference(const Entry&) { return {}; }
    static std::string fact_text(const Entry& entry, const vrrp::Router&) { return describe_fact(entry); }
    static std::string intent_text(const vrrp::Intent& intent, const vrrp::Router& router) {
        return describe_intent(intent, router.config());
    }
};

}  // namespace

Result<void> check_version(const Record& record, std::string_view version) {
    if (record.version == version) return {};
    return fail(Errc::Unsupported, fmt::format("the record is from version {}; this is version {}, and only the "
                                               "same version can replay it",
                                               record.version, version));
}

Result<Outcome> replay(const Record& record, std::string_view version, const OnStep& on_step,
                       const OnKeyFrame& on_key_frame) {
    if (auto same = check_version(record, version); !same) return std::unexpected{std::move(same.error())};
    return Run<RouterKind>{on_step, on_key_frame}.all(record.segments);
}

}  // namespace mainstay::record
