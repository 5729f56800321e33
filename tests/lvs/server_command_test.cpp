#include "lvs/server_command.hpp"

#include <doctest/doctest.h>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

struct CommandedService {
    Services services = services_of({service({server("10.0.0.11"), server("10.0.0.12")})});
    OperatorOverrides overrides;
    std::vector<ServerRef> held;
    ServerAnswer answer;

    std::optional<std::string> run(ServerCommand command) {
        command.by = "root";
        answer = {};
        ServerCommandRun run{services, overrides, command, {}, [this](const ServerRef& ref, Hold hold, std::int64_t) {
                                 held.push_back(ref);
                                 services.state_at(ref).hold = hold;
                             }};
        return run.run(answer);
    }
};

using Verb = ServerCommand::Verb;

}  // namespace

TEST_CASE("a command changes the servers that it names, and the log names them") {
    CommandedService f;
    const auto line = f.run({.verb = Verb::Drain, .which = "10.0.0.12"});
    CHECK(line == "server drain 10.0.0.12 by root: [10.0.0.12]:tcp:80 of VS [10.0.0.1]:tcp:80");
    CHECK(f.held == std::vector<ServerRef>{{0, 1}});
    CHECK(f.answer.lines == std::vector<std::string>{"[10.0.0.12]:tcp:80 of VS [10.0.0.1]:tcp:80: drained, UP, weight "
                                                     "1 (was: as configured, UP, weight 1)"});
    CHECK(f.overrides.of(f.services, {0, 1})->hold == Hold::Drained);
    CHECK_FALSE(f.overrides.of(f.services, {0, 0}).has_value());
}

TEST_CASE("a command that changes nothing is no line in the log") {
    CommandedService f;
    CHECK(f.run({.verb = Verb::Disable, .which = "10.0.0.11"}).has_value());
    CHECK_FALSE(f.run({.verb = Verb::Disable, .which = "10.0.0.11"}).has_value());
    CHECK_FALSE(f.run({.verb = Verb::Show, .which = "*"}).has_value());
    CHECK(f.answer.matched == 2);
    CHECK(f.held.size() == 1);
}

TEST_CASE("enabling forgets the override of a server that is not configured any more") {
    CommandedService f;
    f.overrides.set({"[10.0.0.1]:tcp:80", at("10.0.0.77", 80)}, {.hold = Hold::Disabled, .by = "root"}, {});
    const auto line = f.run({.verb = Verb::Enable, .which = "10.0.0.77"});
    CHECK(line == "server enable 10.0.0.77 by root: 10.0.0.77:80 of VS [10.0.0.1]:tcp:80");
    CHECK(f.overrides.all().empty());
    CHECK(f.held.empty());
}

TEST_CASE("what is wrong with a command itself") {
    CHECK(problem_of({.verb = Verb::Weight, .which = "*", .weight = -1}).has_value());
    CHECK(problem_of({.verb = Verb::Disable, .which = "*", .expire_persistence = true}).has_value());
    CHECK_FALSE(problem_of({.verb = Verb::Weight, .which = "*", .weight = 0}).has_value());
    CHECK_FALSE(problem_of({.verb = Verb::Drain, .which = "*", .expire_persistence = true}).has_value());
}

TEST_CASE("a weight for a server of an active_active service is answered with what counts of it") {
    CommandedService f;
    f.services.configs[0].active_active = true;
    const auto last_line = [&f](std::int64_t weight) {
        static_cast<void>(f.run({.verb = Verb::Weight, .which = "10.0.0.11", .weight = weight}));
        return f.answer.lines.back();
    };
    CHECK(last_line(7) ==
          "VS [10.0.0.1]:tcp:80 is active_active: its flows are shared by the configured weights, and only weight 0 "
          "counts");
    CHECK(last_line(0).starts_with("[10.0.0.11]:tcp:80 of VS"));
}
