// What D-Bus and SNMP ask of one instance.
#include "role/common/instance_requests.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::role;
using Request = ipc::ControlRequest::What;

namespace {

config::Config two_instances() {
    config::Config config;
    for (const char* name : {"VI_1", "VI_2"}) config.instances.emplace_back().name = name;
    return config;
}

std::optional<config::Config> changed(const config::Config& before, Request what, std::int64_t value) {
    return with_requested_change(before, 1, {what, "VI_2", value, "SNMP"});
}

std::vector<std::string> switches(const config::Instance& instance) {
    std::vector<std::string> on;
    for (const auto& value : instance.more->values) {
        on.emplace_back(value.keyword);
        CHECK(std::get<bool>(value.data));
    }
    return on;
}

}  // namespace

TEST_CASE("an instance is found by its name, at its place in the configuration") {
    const auto config = two_instances();
    CHECK(instance_of(config, "VI_1") == 0U);
    CHECK(instance_of(config, "VI_2") == 1U);
    CHECK(instance_of(config, "VI_3") == std::nullopt);
}

TEST_CASE("a priority from 1 to 255 is set, of that instance alone") {
    auto config = two_instances();
    config.instances[0].priority = config.instances[1].priority = 100;
    const auto next = changed(config, Request::SetPriority, 255);
    REQUIRE(next);
    CHECK(int{next->instances[0].priority} == 100);
    CHECK(int{next->instances[1].priority} == 255);
    CHECK(int{changed(config, Request::SetPriority, 1)->instances[1].priority} == 1);
    for (const std::int64_t bad : {0L, -1L, 256L, 257L}) CHECK_FALSE(changed(config, Request::SetPriority, bad));
}

TEST_CASE("preemption is switched on and off") {
    auto config = two_instances();
    CHECK(changed(config, Request::SetPreempt, 0)->instances[1].nopreempt);
    CHECK_FALSE(changed(config, Request::SetPreempt, 0)->instances[0].nopreempt);
    config.instances[1].nopreempt = true;
    CHECK_FALSE(changed(config, Request::SetPreempt, 1)->instances[1].nopreempt);
    for (const std::int64_t bad : {-1L, 2L}) CHECK_FALSE(changed(config, Request::SetPreempt, bad));
}

TEST_CASE("the switch that is asked for stands in the configuration once, in the order of the keywords") {
    using Names = std::vector<std::string>;
    auto config = two_instances();
    config = *changed(config, Request::SetPromoteSecondaries, 1);
    config = *changed(config, Request::SetLinkbeat, 1);
    config = *changed(config, Request::SetAccept, 1);
    config = *changed(config, Request::SetAccept, 1);
    CHECK(switches(config.instances[1]) == Names{"accept", "linkbeat_use_polling", "promote_secondaries"});
    CHECK(switches(config.instances[0]).empty());
    config = *changed(config, Request::SetAccept, 0);
    CHECK(switches(config.instances[1]) == Names{"linkbeat_use_polling", "no_accept", "promote_secondaries"});
    config = *changed(config, Request::SetLinkbeat, 0);
    config = *changed(config, Request::SetPromoteSecondaries, 0);
    config = *changed(config, Request::SetAccept, 1);
    CHECK(switches(config.instances[1]) == Names{"accept"});
}

TEST_CASE("a request that changes no setting changes nothing") {
    for (const auto what : {Request::Reload, Request::SendGarp, Request::PrintData})
        CHECK_FALSE(changed(two_instances(), what, 1));
}

TEST_CASE("the log shows a request as the keyword and its value") {
    const auto text = [](Request what, std::int64_t value) { return request_text({what, "VI_1", value, "DBus"}); };
    CHECK(text(Request::SetPriority, 120) == "priority 120");
    CHECK(text(Request::SetPreempt, 0) == "preempt off");
    CHECK(text(Request::SetPreempt, 1) == "preempt on");
    CHECK(text(Request::SetAccept, 1) == "accept on");
    CHECK(text(Request::SetPromoteSecondaries, 0) == "promote_secondaries off");
    CHECK(text(Request::SetLinkbeat, 1) == "linkbeat_use_polling on");
    CHECK(text(Request::SendGarp, 1) == "nothing");
}

TEST_CASE("a request changes one instance and no other, and accepts no value but 0 and 1 for a switch") {
    const auto config = two_instances();
    for (const auto what : {Request::SetPriority, Request::SetPreempt, Request::SetAccept}) {
        const auto next = changed(config, what, 1);
        REQUIRE(next);
        CHECK(next->instances[0] == config.instances[0]);
    }
    CHECK_FALSE(changed(config, Request::SetAccept, 2));
    CHECK_FALSE(changed(config, Request::SetAccept, -1));
}
