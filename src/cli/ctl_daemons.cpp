#include "ctl_daemons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ctl.hpp"
#include "daemon_processes.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "mainstay/role/common/identity.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWithoutName = "(no name)";

std::string command_of(int pid) {
    std::string words = command_line_of(pid);
    while (words.ends_with('\0')) words.pop_back();
    std::ranges::replace(words, '\0', ' ');
    return words;
}

// The supervisor's process: it listens itself, or a child of it does, at the control socket.
Result<int> daemon_at(const std::string& folder) {
    const auto api = kernel::connect_unix(folder + "/" + std::string{role::kApiSocket}, SOCK_STREAM);
    if (!api && api.error().code() == Errc::NotFound) {
        const auto own = kernel::connect_unix(folder + "/" + std::string{role::kSupervisorSocket}, SOCK_SEQPACKET);
        if (!own) return error_of(own);
        const auto peer = kernel::peer_of(own->get());
        return peer ? peer->pid : 0;
    }
    if (!api) return 0;  // somebody listens, and this account may not ask
    const auto peer = kernel::peer_of(api->get());
    return peer ? parent_of(peer->pid) : 0;
}

std::string named(const std::vector<RunningDaemon>& daemons) {
    std::vector<std::string> names;
    for (const auto& daemon : daemons) names.emplace_back(daemon.name.empty() ? kWithoutName : daemon.name);
    return names.empty() ? "none runs" : fmt::format("running: {}", fmt::join(names, ", "));
}

Result<std::string> socket_called(const std::string& name, const std::string& run_directory) {
    const auto daemons = running_daemons(run_directory);
    std::vector<RunningDaemon> found;
    for (const auto& daemon : daemons) {
        if (daemon.name == name || daemon.name == role::folder_name(name)) return daemon.socket;
        // What follows from its pid file need not be given: "blue" is "blue_keepalived.pid-1a2b3c4d", but neither
        // "bluegreen" nor "blue.two".
        if (role::follows_from_pid_file(daemon.name, name)) found.push_back(daemon);
    }
    if (found.size() == 1) return found.front().socket;
    if (found.empty())
        return fail(Errc::NotFound, fmt::format("no daemon is called \"{}\" ({})", name, named(daemons)));
    return fail(Errc::Invalid, fmt::format("several daemons are called \"{}…\": {}", name, named(found)));
}

// Namespace and instance of its configuration stand before the part of the name that follows from the pid file.
Result<std::string> socket_with_pid_file(const std::string& path, const std::string& run_directory) {
    std::error_code ignored;
    const auto part = role::name_of_pid_file(fs::absolute(path, ignored).string());
    if (part.empty()) return run_directory + "/" + std::string{role::kApiSocket};
    const auto daemons = running_daemons(run_directory);
    const auto found = std::ranges::find_if(
        daemons, [&](const auto& daemon) { return daemon.name == part || daemon.name.ends_with("_" + part); });
    if (found != daemons.end()) return found->socket;
    return fail(Errc::NotFound, fmt::format("no daemon has the pid file {} ({})", path, named(daemons)));
}

}  // namespace

std::vector<RunningDaemon> running_daemons(const std::string& run_directory) {
    std::vector<std::string> folders{run_directory};
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator{run_directory, failed})
        if (entry.is_directory(failed)) folders.push_back(entry.path().string());
    std::sort(folders.begin() + 1, folders.end());
    std::vector<RunningDaemon> daemons;
    for (const auto& folder : folders) {
        const auto pid = daemon_at(folder);
        if (!pid) continue;
        daemons.push_back({.name = folder == run_directory ? "" : fs::path{folder}.filename().string(),
                           .socket = folder + "/" + std::string{role::kApiSocket},
                           .pid = *pid});
    }
    return daemons;
}

Result<std::string> control_socket_of(const DaemonChoice& choice, const std::string& run_directory) {
    if (!choice.socket.empty()) return choice.socket;
    if (!choice.instance.empty()) return socket_called(choice.instance, run_directory);
    if (!choice.pid_file.empty()) return socket_with_pid_file(choice.pid_file, run_directory);
    const std::string usual = run_directory + "/" + std::string{role::kApiSocket};
    if (daemon_at(run_directory)) return usual;  // the others, of which there may be hundreds, are not looked for
    const auto daemons = running_daemons(run_directory);
    if (daemons.empty()) return usual;
    if (daemons.size() == 1) return daemons.front().socket;
    return fail(Errc::Invalid, fmt::format("several daemons run on this host: name one with --instance NAME or "
                                           "--pid-file FILE, before the command ({})",
                                           named(daemons)));
}

std::string name_at(const std::string& socket, const std::string& run_directory) {
    const fs::path folder = fs::path{socket}.parent_path();
    return folder.parent_path() == run_directory ? folder.filename().string() : std::string{};
}

int ctl_daemons(bool as_json) {
    const auto daemons = running_daemons(role::kRunDirectory);
    if (as_json) {
        auto list = nlohmann::json::array();
        for (const auto& daemon : daemons)
            list.push_back({{"name", daemon.name},
                            {"pid", daemon.pid},
                            {"socket", daemon.socket},
                            {"command", command_of(daemon.pid)}});
        print(list.dump(2) + "\n");
        return daemons.empty() ? kNotRunning : 0;
    }
    std::size_t width = kWithoutName.size();
    for (const auto& daemon : daemons) width = std::max(width, daemon.name.size());
    if (daemons.empty()) print_error("mainstayctl daemons: mainstayd is not running\n");
    for (const auto& daemon : daemons)
        print(fmt::format("{:<{}}  {:>7}  {}\n", daemon.name.empty() ? kWithoutName : daemon.name, width,
                          daemon.pid == 0 ? "-" : std::to_string(daemon.pid), command_of(daemon.pid)));
    return daemons.empty() ? kNotRunning : 0;
}

}  // namespace mainstay::cli
