#include "role/supervisor/log_levels.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

TEST_CASE("setting a module's level says what changed, and leaves the others") {
    LogLevelState board{LogLevel::Info};
    CHECK(board.set("vrrp", "debug").value() == "vrrp: info -> debug");
    CHECK(board.set("mainstayd-vrrp", "debug").value().empty());
    CHECK(board.of(LogModule::Vrrp) == LogLevel::Debug);
    CHECK(board.of(LogModule::Lvs) == LogLevel::Info);
    CHECK(board.text("vrrp").value() == "vrrp       debug (default: info)\n");
    CHECK(board.text("lvs").value() == "lvs        info\n");
    CHECK(board.set("vrrp", "default").value() == "vrrp: debug -> info");
}

TEST_CASE("without a module all levels are set and shown") {
    LogLevelState board{LogLevel::Debug};
    board.set("api", "error").value();
    CHECK(board.set("", "error").value() ==
          "supervisor: debug -> error, config: debug -> error, vrrp: debug -> error, lvs: debug -> error, "
          "bfd: debug -> error, track: debug -> error, snmp: debug -> error, observer: debug -> error, "
          "mail: debug -> error, webhook: debug -> error");
    board.set("", "default").value();
    CHECK(board.text("").value() ==
          "supervisor debug\nconfig     debug\nvrrp       debug\nlvs        debug\nbfd        debug\n"
          "track      debug\nsnmp       debug\nobserver   debug\nmail       debug\nwebhook    debug\n"
          "api        debug\n");
}

TEST_CASE("unknown modules and levels are refused with those that there are") {
    LogLevelState board{LogLevel::Info};
    CHECK(board.set("vrrpd", "debug").error().text() ==
          "\"vrrpd\" is no module: there are supervisor, config, vrrp, lvs, bfd, track, snmp, observer, mail, webhook, "
          "api");
    CHECK(board.set("vrrp", "loud").error().text() ==
          "\"loud\" is no level: there are debug, info, notice, warning, error and default");
    CHECK_FALSE(board.text("x"));
    CHECK(board.of(LogModule::Vrrp) == LogLevel::Info);
}

TEST_CASE("levels of an older program that knew fewer modules keep the usual level") {
    LogLevelState board{LogLevel::Info};
    board.adopt({LogLevel::Error, LogLevel::Debug});
    CHECK(board.of(LogModule::Supervisor) == LogLevel::Error);
    CHECK(board.of(LogModule::Config) == LogLevel::Debug);
    CHECK(board.of(LogModule::Vrrp) == LogLevel::Info);
    CHECK(board.levels().size() == kLogModules.size());
}
