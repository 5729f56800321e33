// mainstay-discover consul SERVICE | etcd PREFIX --file FILE
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <string>

#include "discover.hpp"
#include "output.hpp"

namespace {

using namespace mainstay;

constexpr int kUsage = 2;

int run(int argc, char** argv) {
    CLI::App app{"Keep a file of real servers (real_server_file) equal to a registry of services."};
    app.set_version_flag("--version", "mainstay-discover " MAINSTAY_VERSION);
    app.require_subcommand(1);
    cli::DiscoverOptions options;
    cli::ConsulOptions consul;
    cli::EtcdOptions etcd;
    long wait = options.wait.count(),
         max_stale = std::chrono::duration_cast<std::chrono::seconds>(consul.max_stale).count();
    const auto common = [&](CLI::App& command, const char* secret, const char* secret_help) {
        command.add_option("--file", options.file, "Write the servers to this absolute path")->required();
        command.add_option("--url", options.urls, "Ask this server; several are tried in turn");
        command.add_option(secret, options.secret_file, secret_help);
        command.add_option("--ca-file", options.tls.ca_file, "Trust the CAs of this file instead of the system's");
        command.add_option("--cert-file", options.tls.cert_file, "Show this certificate");
        command.add_option("--key-file", options.tls.key_file, "Its key");
        command.add_option("--port", options.port, "Give all servers this port")->check(CLI::Range(1, 65'535));
        command.add_option("--wait", wait, "Ask again after this many seconds without a change")
            ->check(CLI::Range(1, 600))
            ->capture_default_str();
        command.add_flag("--once", options.once, "End after the first answer; exit 1 if there is none");
    };
    auto* from_consul = app.add_subcommand("consul", "Follow a service of Consul");
    from_consul->add_option("SERVICE", consul.service, "Name of the service")->required();
    common(*from_consul, "--token-file", "Send the token in the first line of this file");
    from_consul->add_option("--tag", consul.tags, "Take only instances with this tag");
    from_consul->add_option("--without-tag", consul.selection.without_tags, "Leave out instances with this tag");
    from_consul->add_option("--datacenter", consul.datacenter, "Ask for this datacenter (default: the agent's)");
    from_consul->add_flag("--any-health", consul.selection.any_health,
                          "Take instances that Consul finds critical, too");
    from_consul->add_option("--max-stale", max_stale, "Take no answer of a server without a leader for more seconds")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    auto* from_etcd = app.add_subcommand("etcd", "Follow the keys of etcd (v3) that begin with a prefix");
    from_etcd->add_option("PREFIX", etcd.prefix, "Take all keys that begin with this")->required();
    common(*from_etcd, "--user-file", "Log in as NAME:PASSWORD, the first line of this file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return app.exit(problem);
        const auto given = app.get_subcommands();
        cli::print_error(fmt::format("mainstay-discover: {}\n`mainstay-discover {}--help` lists what it takes\n",
                                     problem.what(), given.empty() ? "" : given.front()->get_name() + " "));
        return kUsage;
    }
    if (options.urls.empty())
        options.urls.emplace_back(*from_consul ? "http://127.0.0.1:8500" : "http://127.0.0.1:2379");
    for (auto& url : options.urls)
        while (url.ends_with('/')) url.pop_back();
    options.wait = std::chrono::seconds{wait};
    consul.max_stale = std::chrono::seconds{max_stale};
    consul.selection.port = options.port;
    if (const auto problem = cli::problem_of(options); !problem.empty()) {
        cli::print_error("mainstay-discover: " + problem + "\n");
        return kUsage;
    }
    cli::watch_for_stop();
    const auto source = *from_consul ? cli::consul_source(options, consul) : cli::etcd_source(options, etcd);
    return cli::follow_registry(*source, options);
}

}  // namespace

int main(int argc, char** argv) { return cli::finish_output("mainstay-discover", run(argc, argv), 1); }
