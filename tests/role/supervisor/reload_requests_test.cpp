#include "role/supervisor/reload.hpp"

#include "mainstay/ipc/shared.hpp"
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

TEST_CASE("a request during a reload is answered after the next one") {
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

TEST_CASE("one reload satisfies all requests made before it") {
    using As = ipc::RoleStartup::DryRunAs;
    ReloadRequests requests;
    requests.begin();
    CHECK(requests.report() == As::No);  // a signal: nobody reads a report
    const auto plain = ask(requests, {});
    ipc::Reload wanted;
    wanted.force = true;
    const auto forced = ask(requests, wanted);
    const auto another = ask(requests, {});  // takes nothing back
    CHECK_FALSE(requests.force());
    requests.begin();
    CHECK(requests.force());
    CHECK(requests.report() == As::Text);
    wanted = {};
    wanted.as_json = true;
    const auto json = ask(requests, wanted), text = ask(requests, {});
    requests.begin();
    CHECK_FALSE(requests.force());
    CHECK(requests.report() == As::Json);
}

TEST_CASE("the report of one reload is not that of the next") {
    const auto has_report = [](const UniqueFd& line) {
        auto got = ipc::receive_message(line.get());
        REQUIRE((got && got->has_value() && std::holds_alternative<ipc::Received>(**got)));
        return static_cast<bool>(std::get<ipc::Received>(**got).descriptor);
    };
    ReloadRequests requests;
    const auto first = ask(requests, {}), second = ask(requests, {});
    requests.begin();
    auto memfd = ipc::make_sealed_memfd("test", {});
    REQUIRE(memfd.has_value());
    requests.set_report(std::move(*memfd));
    requests.answer();
    CHECK(has_report(first));
    CHECK(has_report(second));
    const auto third = ask(requests, {});
    requests.begin();
    requests.answer();
    CHECK_FALSE(has_report(third));
}

TEST_CASE("reloads that were postponed are one") {
    ReloadRequests requests;
    CHECK_FALSE(requests.take_postponed());
    requests.postpone();
    requests.postpone();
    CHECK(requests.take_postponed());
    CHECK_FALSE(requests.take_postponed());
}
