#include "mainstay/base/log.hpp"

#include <doctest/doctest.h>

using namespace mainstay;

namespace {

struct Lines final : Log {
    void line(LogLevel level, std::string_view text) override { all.push_back({level, std::string{text}}); }
    [[nodiscard]] bool enabled(LogLevel) const override { return true; }
    std::vector<LogLine> all;
};

}  // namespace

TEST_CASE("of many lines the first twenty are logged, and how many more there are") {
    Lines log;
    log_each(log, LogLevel::Notice, "mail drop by uid 0", {"m1", "m2"});
    CHECK(log.all == std::vector<LogLine>{{LogLevel::Notice, "mail drop by uid 0: m1"},
                                          {LogLevel::Notice, "mail drop by uid 0: m2"}});
    log.all.clear();
    log_each(log, LogLevel::Warning, "p", std::vector<std::string>(22, "x"));
    REQUIRE(log.all.size() == 21);
    CHECK(log.all[19].text == "p: x");
    CHECK(log.all[20] == LogLine{LogLevel::Warning, "p: and 2 more"});
}

TEST_CASE("a module is known by its name and by those of its process, in any case") {
    CHECK(log_module_of("vrrp") == LogModule::Vrrp);
    CHECK(log_module_of("VRRP") == LogModule::Vrrp);
    CHECK(log_module_of("mainstayd-lvs") == LogModule::Lvs);
    CHECK(log_module_of("Healthcheck") == LogModule::Lvs);
    CHECK(log_module_of("mail") == LogModule::Mail);
    CHECK_FALSE(log_module_of("vrr"));
    CHECK_FALSE(log_module_of(""));
    for (const LogModule module : kLogModules) CHECK(log_module_of(to_string(module)) == module);
}

TEST_CASE("a level is known by its name and syslog's short forms") {
    CHECK(log_level_of("debug") == LogLevel::Debug);
    CHECK(log_level_of("Warn") == LogLevel::Warning);
    CHECK(log_level_of("err") == LogLevel::Error);
    CHECK(log_level_of("notice") == LogLevel::Notice);
    CHECK_FALSE(log_level_of("verbose"));
}

TEST_CASE("a level that is missing, or none, is the usual one") {
    const LogLevels levels{LogLevel::Error, static_cast<LogLevel>(99), static_cast<LogLevel>(0)};
    CHECK(level_of(levels, LogModule::Supervisor, LogLevel::Info) == LogLevel::Error);
    CHECK(level_of(levels, LogModule::Config, LogLevel::Info) == LogLevel::Info);
    CHECK(level_of(levels, LogModule::Vrrp, LogLevel::Info) == LogLevel::Info);
    CHECK(level_of(levels, LogModule::Api, LogLevel::Debug) == LogLevel::Debug);
}
