#include "process_logs.hpp"

#include <chrono>

#include "event_log.hpp"

namespace mainstay::role {

namespace {

constexpr std::chrono::milliseconds kLogAgain{20};  // the queue of a log socket may hold ten lines only

}  // namespace

ProcessLogs::ProcessLogs(const ipc::RoleStartup& startup, LogModule own)
    : own_{own}, level_{startup.log_level}, log_{log_options_of(startup)} {
    if (own == LogModule::Observer)
        for (const LogModule module : {LogModule::Mail, LogModule::Webhook, LogModule::Api})
            modules_.try_emplace(module, log_, level_);
    set(startup.log_levels);
}

Log& ProcessLogs::of(LogModule module) {
    const auto found = modules_.find(module);
    if (found == modules_.end()) return log_;
    return found->second;
}

void ProcessLogs::set(const LogLevels& levels) {
    levels_ = levels;
    level_ = level_of(levels, own_, level_);
    log_.set_level(level_);
    for (auto& [module, log] : modules_) log.set_level(level_of(levels, module, level_));
}

LogAgain::LogAgain(boost::asio::io_context& loop, kernel::DaemonLog& log) : log_{log}, timer_{loop} {
    log_.retry([this] {
        timer_.expires_after(kLogAgain);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) log_.flush();
        });
    });
}

}  // namespace mainstay::role
