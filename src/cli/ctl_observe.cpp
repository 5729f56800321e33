#include "ctl_observe.hpp"

#include <fmt/format.h>

#include "mainstay/config/schema/schema.hpp"

namespace mainstay::cli {
namespace {

constexpr std::size_t kRowsMax = 1'000;

}  // namespace

ObserveCommands::ObserveCommands(CLI::App& app) {
    add_status(app);
    add_events(app);
    why_ =
        app.add_subcommand("why", "Explain why an instance, group, service, server or tracked object is in its state");
    why_->add_option("NAME", why_name_, "Explain this one; SERVICE/SERVER for a server that several services have")
        ->required();
    why_->add_option(
        "SERVICE", why_service_,
        "Explain which server a new flow from NAME, a client's ADDRESS:PORT, to this service goes to (mh)");
    auto* udp = why_->add_flag("--udp", why_udp_, "The flow is one of UDP");
    why_->add_flag("--json", why_json_, "Print the daemon's answer as JSON")->excludes(udp);
    top_ = app.add_subcommand("top", "Show the busiest services and servers");
    top_->add_option("-n,--lines", top_most_, "Show this many services and servers, 1..1000")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, kRowsMax));
    top_->add_flag("--watch", top_again_, "Show them again every two seconds");
}

void ObserveCommands::add_status(CLI::App& app) {
    const auto command = [&](const char* name, const char* help, const char* names) {
        auto* added = app.add_subcommand(name, help);
        added->add_option("NAME", status_options_.names, names);
        added->add_flag("--json", status_options_.as_json, "Print the daemon's answer as JSON");
        added->add_flag("--watch", status_options_.watch, "Show it again every two seconds");
        return added;
    };
    status_ = command("status", "Show instances, services, servers and their last checks",
                      "Show only these instances, groups, services or servers; wildcards are * and ?");
    auto* check = status_->add_flag("--check", status_options_.check,
                                    "Print one line for monitoring; exit 0 OK, 1 warning, 2 critical, 3 unknown");
    for (const char* other : {"--json", "--watch"}) check->excludes(status_->get_option(other));
    vrrp_ = command("vrrp", "Show the VRRP part of the status: instances, groups, scripts, BFD sessions",
                    "Show only these; wildcards are * and ?");
    lvs_ = command("lvs", "Show the load balancing part of the status: services, servers, overrides",
                   "Show only these services or servers; wildcards are * and ?");
    vrrp_->callback([this] { status_options_.section = StatusSection::Vrrp; });
    lvs_->callback([this] { status_options_.section = StatusSection::Lvs; });
}

void ObserveCommands::add_events(CLI::App& app) {
    events_ = app.add_subcommand("events", "Show what happened: the history of states, which survives restarts");
    auto& options = events_options_;
    events_->add_flag("-f,--follow", options.follow, "Go on showing events as they happen");
    events_->add_option("--since", options.since,
                        "Show events since then: \"yesterday\", \"2 hours ago\", \"10:00\", \"2026-11-20 10:02\"");
    events_->add_option("--instance", options.instance, "Show events of this instance or sync group");
    events_->add_option("--service", options.service, "Show events of this service and its servers");
    events_->add_option("-n,--lines", options.most, "Show this many of the last events, without --since")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    events_->add_flag("--json", options.as_json, "Print each event as a line of JSON");
}

std::optional<int> ObserveCommands::run(const std::string& socket) const {
    if (*status_ || *vrrp_ || *lvs_) return ctl_status(socket, status_options_);
    if (*events_) return ctl_events(socket, events_options_);
    if (*why_ && !why_service_.empty()) return ctl_flow(why_name_, why_service_, why_udp_);
    if (*why_) return ctl_why(socket, why_name_, why_json_);
    if (*top_) return ctl_top(socket, top_most_, top_again_);
    return std::nullopt;
}

std::string unknown_command(const CLI::App& app, const std::vector<std::string>& arguments) {
    const auto of = [](const CLI::App& group) { return group.get_subcommands([](const CLI::App*) { return true; }); };
    const CLI::App* group = &app;
    std::string before;  // the words of the group
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word.starts_with('-')) {
            const auto* option = group == &app ? app.get_option_no_throw(word) : nullptr;
            if (option != nullptr && option->get_items_expected() > 0) ++i;  // its value
            continue;
        }
        std::string names, begun;
        const CLI::App* found = nullptr;
        for (const auto* command : of(*group)) {
            names += (names.empty() ? "" : "|") + command->get_name();
            if (command->get_name().starts_with(word)) begun = command->get_name();
            if (command->get_name() == word) found = command;
        }
        if (found == nullptr) {
            const std::string near = begun.empty() ? std::string{config::nearest_choice(names, word)} : begun;
            return fmt::format("mainstayctl: there is no command {}{}{}\n", before, word,
                               near.empty() ? fmt::format("; mainstayctl {}--help lists them", before)
                                            : fmt::format("; did you mean {}{}?", before, near));
        }
        if (of(*found).empty()) return {};  // its arguments follow
        group = found;
        before += word + " ";
    }
    return {};
}

}  // namespace mainstay::cli
