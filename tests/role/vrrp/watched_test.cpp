// What the watcher saw, as facts of the machine.
#include "role/vrrp/incoming_facts.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using SeenKind = ipc::Observation::Kind;

namespace {

Links with_eth0(bool running) {
    Links links;
    (void)links.take({netlink::LinkChanged{{.index = 2, .name = "eth0", .up = true, .running = running}}});
    return links;
}

bool up(Links& links, std::int64_t value) {
    const auto facts = facts_of({{{SeenKind::Link, "eth0", value}}}, links);
    REQUIRE(facts.size() == 1);
    return std::get<vrrp::InterfaceFact>(facts[0]).up;
}

}  // namespace

TEST_CASE("a link that is polled is as the poll says, and as the kernel says when it cannot be polled") {
    for (const bool running : {false, true}) {
        CAPTURE(running);
        Links links = with_eth0(running);
        CHECK(up(links, 1));
        CHECK_FALSE(up(links, 0));
        CHECK(up(links, 1));
        CHECK(up(links, -1) == running);
        CHECK(links.fact("eth0").up == running);
    }
}

TEST_CASE("files and processes keep their names and numbers, in their order") {
    Links links;
    const auto facts = facts_of({{{SeenKind::File, "f", -7}, {SeenKind::Process, "p", 3}}}, links);
    REQUIRE(facts.size() == 2);
    CHECK(std::get<vrrp::FileFact>(facts[0]).file == "f");
    CHECK(std::get<vrrp::FileFact>(facts[0]).value == -7);
    CHECK(std::get<vrrp::ProcessFact>(facts[1]).process == "p");
    CHECK(std::get<vrrp::ProcessFact>(facts[1]).count == 3);
}

TEST_CASE("a script ends as the supervisor saw it end") {
    using Theirs = ipc::ScriptResult::How;
    using Ours = vrrp::ScriptDone::How;
    for (const auto& [theirs, ours] : {std::pair{Theirs::Exited, Ours::Exited},
                                       {Theirs::Signalled, Ours::Signalled},
                                       {Theirs::TimedOut, Ours::TimedOut},
                                       {Theirs::NotRun, Ours::NotRun}}) {
        const auto done = fact_of(vrrp::RunScript{"chk", 3}, {.request = 1, .how = theirs, .status = 9});
        CHECK(done.script == "chk");
        CHECK(done.run == 3);
        CHECK(done.how == ours);
        CHECK(done.status == 9);
    }
}
