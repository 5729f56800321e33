// The levels of a process's own log and of those of its modules, at a socket that stands for syslog's.
#include "role/common/process.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fake_syslog.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::role::test::Syslog;
using Texts = std::vector<std::string>;

namespace {

ipc::RoleStartup startup_with(const Syslog& syslog, LogLevel level, const LogLevels& levels = {}) {
    ipc::RoleStartup startup;
    startup.log_ident = "role";
    startup.log_socket = syslog.folder + "/log";
    startup.log_level = level;
    startup.log_levels = levels;
    return startup;
}

LogLevels all(LogLevel level) { return LogLevels(kLogModules.size(), level); }

LogLevels with(LogLevels levels, LogModule module, LogLevel level) {
    levels.at(static_cast<std::size_t>(module)) = level;
    return levels;
}

// Of four lines, one for each module, those that were written.
Texts written(const Syslog& syslog, ProcessLogs& logs, LogLevel level) {
    logs.own().line(level, "own");
    logs.of(LogModule::Mail).line(level, "mail");
    logs.of(LogModule::Webhook).line(level, "webhook");
    logs.of(LogModule::Api).line(level, "api");
    Texts texts;
    for (auto text = syslog.next(); !text.empty(); text = syslog.next()) texts.push_back(text);
    return texts;
}

}  // namespace

TEST_CASE("the modules of the observer have levels of their own, and the process's level where none is set") {
    const Syslog syslog;
    ProcessLogs logs{startup_with(syslog, LogLevel::Notice), LogModule::Observer};
    CHECK(written(syslog, logs, LogLevel::Notice) == Texts{"own", "mail", "webhook", "api"});
    CHECK(written(syslog, logs, LogLevel::Info).empty());

    auto levels = with(all(LogLevel::Error), LogModule::Mail, LogLevel::Debug);
    levels = with(levels, LogModule::Api, LogLevel::Info);
    logs.set(levels);
    CHECK(logs.levels() == levels);
    CHECK(written(syslog, logs, LogLevel::Debug) == Texts{"mail"});
    CHECK(written(syslog, logs, LogLevel::Info) == Texts{"mail", "api"});
    CHECK(written(syslog, logs, LogLevel::Error) == Texts{"own", "mail", "webhook", "api"});
    logs.set(with(all(LogLevel::Error), LogModule::Observer, LogLevel::Info));
    CHECK(written(syslog, logs, LogLevel::Info) == Texts{"own"});
}

TEST_CASE("any other process has one log, with the level of its own module") {
    const Syslog syslog;
    const auto levels = with(all(LogLevel::Debug), LogModule::Vrrp, LogLevel::Warning);
    ProcessLogs logs{startup_with(syslog, LogLevel::Info, levels), LogModule::Vrrp};
    CHECK(&logs.of(LogModule::Mail) == &logs.own());
    CHECK(logs.levels() == levels);
    CHECK(written(syslog, logs, LogLevel::Notice).empty());
    CHECK(written(syslog, logs, LogLevel::Warning) == Texts{"own", "mail", "webhook", "api"});
    logs.set({});  // of an older supervisor: the levels stay
    CHECK(written(syslog, logs, LogLevel::Notice).empty());
}
