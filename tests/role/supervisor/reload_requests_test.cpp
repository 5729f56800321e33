#include "role/supervisor/reload_requests.hpp"

#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

UniqueFd ask(ReloadRequests& requests, const ipc::Reload& wanted) {
    auto channel = ipc::make_channel();
    REQUIRE(channel.has_value());
    requests.add(wanted, std::move(channel->first));
    return std::move(channel->second);
}

}  // namespace

TEST_CASE("who asks during a reload is answered after the next one") {
    ReloadRequests requests;
    const auto first = ask(requests, {});
    requests.begin();
    const auto second = ask(requests, {});
    requests.refuse("line 7");
    requests.answer();
    CHECK(next_message<ipc::ReloadDone>(first.get())->problem == "line 7");
    CHECK_FALSE(next_message<ipc::ReloadDone>(second.get()).has_value());
    requests.begin();
    requests.answer();
    CHECK(next_message<ipc::ReloadDone>(second.get())->problem.empty());
}

TEST_CASE("one reload does what any of those who asked for it wants") {
    using As = ipc::RoleStartup::DryRunAs;
    ReloadRequests requests;
    requests.begin();
    CHECK(requests.report() == As::No);  // a signal: nobody reads a report
    const auto plain = ask(requests, {});
    ipc::Reload wanted;
    wanted.force = true;
    const auto forced = ask(requests, wanted);
    CHECK_FALSE(requests.force());
    requests.begin();
    CHECK(requests.force());
    CHECK(requests.report() == As::Text);
    wanted = {};
    wanted.as_json = true;
    const auto json = ask(requests, wanted);
    requests.begin();
    CHECK_FALSE(requests.force());
    CHECK(requests.report() == As::Json);
}

TEST_CASE("reloads that were postponed are one") {
    ReloadRequests requests;
    CHECK_FALSE(requests.take_postponed());
    requests.postpone();
    requests.postpone();
    CHECK(requests.take_postponed());
    CHECK_FALSE(requests.take_postponed());
}
