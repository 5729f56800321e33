// The routes of the API for the levels of the log.
#include "role/observer/http/api_routes.hpp"
#include "role/observer/http/operator_routes.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using nlohmann::json;

namespace {

struct Levels {
    std::vector<ipc::LogLevelQuestion> asked;
    OperatorReply answered{0, {}, "vrrp       debug\n"};
    History history{[] {}};

    ApiSources sources() {
        return {.status = {},
                .needs = {},
                .history = history,
                .ask =
                    [this](const ipc::OperatorQuestion& question, const auto& done) {
                        asked.push_back(std::get<ipc::LogLevelQuestion>(question));
                        done(answered);
                    },
                .mail = nullptr,
                .page_asset = {},
                .traffic_wanted = {},
                .utc_offset_s = {},
                .rates = {},
                .ask_peer = {},
                .log_levels = [] { return LogLevels{LogLevel::Error}; }};
    }
    Answer post(const std::string& body) {
        Request request;
        request.method = Method::Post;
        request.body = body;
        request.caller = {"ana from 192.0.2.7", Rights::Operate};
        Answer got;
        set_log_levels(sources(), request, [&](Answer answer) { got = std::move(answer); });
        return got;
    }
};

}  // namespace

TEST_CASE("the levels of all modules are shown, of those that are not known the usual one") {
    Levels levels;
    const auto shown = json::parse(show_log_levels(levels.sources()).body)["levels"];
    CHECK(shown["supervisor"] == "error");
    CHECK(shown["vrrp"] == "info");
    CHECK(shown.size() == 11);
}

TEST_CASE("a level is set in the name of the caller, and a refusal says why") {
    Levels levels;
    const auto done = levels.post(R"({"module":"vrrp","level":"debug"})");
    CHECK(done.status == 200);
    CHECK(json::parse(done.body)["text"] == "vrrp       debug\n");
    REQUIRE(levels.asked.size() == 1);
    CHECK(levels.asked[0].module == "vrrp");
    CHECK(levels.asked[0].level == "debug");
    CHECK(levels.asked[0].by == "ana from 192.0.2.7");
    for (const char* body : {"{}", R"({"module":"vrrp"})", R"({"level":7})", R"({"level":"info","for_s":1})", "x"})
        CHECK(levels.post(body).status == 400);
    CHECK(levels.asked.size() == 1);
    levels.answered = {2, "\"x\" is no module", {}};
    CHECK(levels.post(R"({"module":"x","level":"debug"})").status == 409);
}
