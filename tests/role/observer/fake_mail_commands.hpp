// Mails that a test makes up, behind the API's routes.
#pragma once

#include <string>
#include <vector>

#include "role/observer/http/operator_routes.hpp"

namespace mainstay::role::test {

struct FakeMailCommands final : http::QueueCommands {
    std::string queue_json() override {
        if (!shown.empty()) return shown;
        return "{\"enabled\":true,\"problem\":\"\",\"now_unix_us\":60000000,\"waiting\":[" + mail("waiting", "5") +
               "],\"failed\":[" + mail("failed", "null") + "]}\n";
    }
    Result<std::string> change(const Command& command) override {
        commands.push_back(command);
        if (!problem.empty()) return fail(Errc::Invalid, problem);
        return std::string{"a: dropped\n"};
    }
    Result<void> start_test(const std::vector<std::string>& to, const std::string& by) override {
        if (!problem.empty()) return fail(Errc::Limit, problem);
        tests.push_back(to);
        tested_by = by;
        return {};
    }
    std::string test_json(std::size_t known) override {
        return "{\"number\":1,\"running\":true,\"delivered\":false,\"outcome\":\"\",\"next\":" +
               std::to_string(known + 1) + ",\"lines\":[\"* relay\"]}\n";
    }

    std::vector<Command> commands;
    std::vector<std::vector<std::string>> tests;
    std::string tested_by, problem;
    std::string shown;  // instead of mails

private:
    static std::string mail(const std::string& state, const std::string& next) {
        return R"({"id":"a","state":")" + state +
               R"(","subject":"S","alerts":1,"queued":"1970-01-01T00:00:01Z","queued_unix_us":1000000,)"
               R"("to":["a@x"],"tries":1,"answer":"451 later","next_try_s":)" +
               next + "}";
    }
};

}  // namespace mainstay::role::test
