// The commands of mainstayctl that show what the daemon does and why.
#include <memory>
#include <utility>

#include "ctl.hpp"
#include "ctl_commands.hpp"

namespace mainstay::cli {
namespace {

constexpr std::size_t kRowsMax = 1'000;

void add_status(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<StatusOptions>();
    const auto command = [&](const char* name, const char* help, const char* names, StatusSection section) {
        auto* added = app.add_subcommand(name, help);
        added->add_option("NAME", options->names, names);
        added->add_flag("--json", options->as_json, "Print the daemon's answer as JSON");
        added->add_flag("--watch", options->watch, "Show it again every two seconds");
        added->callback([options, section, &chosen] {
            options->section = section;
            chosen.with_daemon = [options](const std::string& socket) { return ctl_status(socket, *options); };
        });
        return added;
    };
    auto* status =
        command("status", "Show instances, services, servers and their last checks",
                "Show only these instances, groups, services or servers; wildcards are * and ?", StatusSection::All);
    auto* check = status->add_flag("--check", options->check,
                                   "Print one line for monitoring; exit 0 OK, 1 warning, 2 critical, 3 unknown");
    for (const char* other : {"--json", "--watch"}) check->excludes(status->get_option(other));
    command("vrrp", "Show the VRRP part of the status: instances, groups, scripts, BFD sessions",
            "Show only these; wildcards are * and ?", StatusSection::Vrrp);
    command("lvs", "Show the load balancing part of the status: services, servers, overrides",
            "Show only these services or servers; wildcards are * and ?", StatusSection::Lvs);
}

void add_events(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<EventsOptions>();
    auto* events = app.add_subcommand("events", "Show what happened: the history of states, which survives restarts");
    events->add_flag("-f,--follow", options->follow, "Go on showing events as they happen");
    auto* since =
        events->add_option("--since", options->since,
                           "Show events since then: \"yesterday\", \"2 hours ago\", \"10:00\", \"2026-11-20 10:02\"");
    events->add_option("--instance", options->instance, "Show events of this instance or sync group");
    events->add_option("--service", options->service, "Show events of this service and its servers");
    events->add_option("-n,--lines", options->most, "Show this many of the last events, without --since")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
        ->excludes(since);
    events->add_flag("--json", options->as_json, "Print each event as a line of JSON");
    asks_daemon(*events, chosen, options, ctl_events);
}

void add_why(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::string name, service;
        bool as_json = false, udp = false;
    };
    const auto options = std::make_shared<Options>();
    auto* why =
        app.add_subcommand("why", "Explain why an instance, group, service, server or tracked object is in its state");
    why->add_option(
           "NAME", options->name,
           "Explain this one, or the instance of this virtual address; SERVICE/SERVER for a server that several "
           "services have")
        ->required();
    auto* service = why->add_option(
        "SERVICE", options->service,
        "Explain which server a new flow from NAME, a client's ADDRESS:PORT, to this service goes to (mh)");
    why->add_flag("--udp", options->udp, "The flow is one of UDP")->needs(service);
    why->add_flag("--json", options->as_json, "Print the daemon's answer as JSON")->excludes(service);
    asks_daemon(*why, chosen, options, [](const std::string& socket, const Options& given) {
        return given.service.empty() ? ctl_why(socket, given.name, given.as_json)
                                     : ctl_flow(given.name, given.service, given.udp);
    });
}

void add_top(CLI::App& app, Chosen& chosen) {
    struct Options {
        std::size_t most = 20;
        bool again = false;
    };
    const auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand("top", "Show the busiest services and servers");
    top->add_option("-n,--lines", options->most, "Show this many services and servers, 1..1000")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, kRowsMax));
    top->add_flag("--watch", options->again, "Show them again every two seconds");
    asks_daemon(*top, chosen, options, [](const std::string& socket, const Options& given) {
        return ctl_top(socket, given.most, given.again);
    });
}

void add_metrics(CLI::App& app, Chosen& chosen) {
    const auto request = std::make_shared<MetricsRequest>();
    auto* metrics = app.add_subcommand("metrics", "Print the daemon's metrics, as Prometheus collects them");
    metrics->add_option("--scope", request->scope, "Print sums for each service (services, default) or also servers");
    metrics->add_option("--compat", request->compat,
                        "Add names of other exporters: mehdy, mehdy-state, mehdy-2020, gen2brain, node_exporter");
    metrics->add_flag("--openmetrics", request->openmetrics, "Print OpenMetrics instead of the Prometheus text format");
    metrics->add_flag("--reference", request->reference, "Print the tables of all metrics, without the daemon");
    metrics->callback([request, &chosen] {
        if (request->reference)
            chosen.alone = [request] { return ctl_metrics({}, *request); };
        else
            chosen.with_daemon = [request](const std::string& socket) { return ctl_metrics(socket, *request); };
    });
}

}  // namespace

void add_observe_commands(CLI::App& app, Chosen& chosen) {
    add_status(app, chosen);
    add_events(app, chosen);
    add_why(app, chosen);
    add_top(app, chosen);
    add_metrics(app, chosen);
}

}  // namespace mainstay::cli
