#include "config_text.hpp"

namespace mainstay::report {

std::string quoted_command(const config::Command& command) {
    std::string text;
    for (const auto& word : command.argv) text += (text.empty() ? "'" : " '") + word + "'";
    return text;
}

std::string parameters_text(const vrrp::ProcessTracker& process) {
    std::string text;
    for (std::size_t i = 1; i < process.command.size(); ++i) text += (i == 1 ? "" : " ") + process.command[i];
    return text;
}

}  // namespace mainstay::report
