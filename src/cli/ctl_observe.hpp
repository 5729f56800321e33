// The commands of mainstayctl that show what the daemon does and why: their options, and which of them was given.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "ctl.hpp"

namespace mainstay::cli {

class ObserveCommands {
public:
    explicit ObserveCommands(CLI::App& app);
    // The exit code of the one that was given; none: another command was.
    [[nodiscard]] std::optional<int> run(const std::string& socket) const;

private:
    void add_status(CLI::App& app);
    void add_events(CLI::App& app);

    StatusOptions status_options_;
    EventsOptions events_options_;
    std::string why_name_, why_service_;
    bool why_json_ = false, why_udp_ = false, top_again_ = false;
    std::size_t top_most_ = 20;
    CLI::App *status_ = nullptr, *vrrp_ = nullptr, *lvs_ = nullptr, *events_ = nullptr, *why_ = nullptr,
             *top_ = nullptr;
};

// If a word is no command where one belongs: what to say, with the nearest command. Else empty.
[[nodiscard]] std::string unknown_command(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace mainstay::cli
