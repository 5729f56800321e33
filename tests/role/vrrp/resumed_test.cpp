#include "role/vrrp/resumed.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

vrrp::RouterSnapshot routers(std::vector<std::pair<const char*, vrrp::State>> states) {
    vrrp::RouterSnapshot all;
    for (const auto& [name, state] : states) {
        auto& one = all.instances.emplace_back();
        one.name = name;
        one.state = state;
        one.deadline = Instant{1'000s};  // so that the last advert was due at 999 s
        one.master_interval = 1s;
        one.effective_priority = 150;
    }
    return all;
}

using enum vrrp::State;

}  // namespace

TEST_CASE("what stayed MASTER over an upgrade or a crash is an event that says from whom, and for how long") {
    const auto before = routers({{"a", Master}, {"b", Backup}, {"c", Master}, {"d", Master}});
    const auto after =
        routers({{"new", Master}, {"b", Backup}, {"c", vrrp::State::Fault}, {"d", Backup}, {"a", Master}});
    const auto upgraded = resumed_events(before, after, Instant{999'250ms}, "0.1.0");
    REQUIRE(upgraded.size() == 1);
    CHECK(upgraded[0] == Event{.kind = Event::Kind::Instance,
                               .name = "a",
                               .transition = Transition::Master,
                               .reason = "the daemon was upgraded from version 0.1.0: this router stayed MASTER, "
                                         "0.25 s after the last advertisement of the process before",
                               .cause = Cause::Upgrade,
                               .priority = 150,
                               .notify = false});
    const auto crashed = resumed_events(before, after, Instant{1'001'500ms}, "");
    REQUIRE(crashed.size() == 1);
    CHECK(crashed[0].cause == Cause::Crash);
    CHECK(crashed[0].reason ==
          "the VRRP process died and was restarted: this router stayed MASTER, 2.5 s after the last advertisement of "
          "the process before");
}

TEST_CASE("a thousand events are enough") {
    vrrp::RouterSnapshot many;
    for (int i = 0; i < 1'001; ++i) {
        many.instances.emplace_back().name = std::to_string(i);
        many.instances.back().state = Master;
    }
    CHECK(resumed_events(many, many, Instant{1s}, "").size() == 1'000);
}
