#include "daemon_settings.hpp"

#include <algorithm>

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/net_namespace.hpp"
#include "process.hpp"

namespace mainstay::role {

namespace keyword = config::keyword;

using config::first_word;
using config::value_of;
using config::WordList;

namespace {

constexpr Micros kSpareBelow{500'000};  // of the intervals between adverts
constexpr std::size_t kSlowlyStartingInstances = 64;

// A number, or the names of mode bits, IRUSR|IWUSR...
std::int32_t umask_of(const config::KeywordValues& values) {
    if (const auto number = value_of(values, keyword::umask)) return static_cast<std::int32_t>(*number);
    const auto words = value_of<WordList>(values, keyword::umask);
    if (!words) return -1;
    std::int32_t mask = 0;
    for (const auto& word : *words)
        for (std::size_t at = 0; at + 5 <= word.size(); at += 6) {
            const std::string_view name = std::string_view{word}.substr(at, 5);  // I R|W|X USR|GRP|OTH, or IRWXU|G|O
            const auto who = name.starts_with("IRWX") ? name[4] : name[2];
            const std::int32_t shift = who == 'U' ? 6 : who == 'G' ? 3 : 0;
            const std::int32_t bits = name.starts_with("IRWX") ? 7 : name[1] == 'R' ? 4 : name[1] == 'W' ? 2 : 1;
            mask |= bits << shift;
        }
    return mask;
}

// A vrrp process takes 20 to 40 ms to start on a busy machine, and longer with many instances (decision 7).
bool nobody_notices_restarts(const std::vector<config::Instance>& instances) {
    return !instances.empty() && instances.size() <= kSlowlyStartingInstances &&
           std::ranges::all_of(instances, [](const auto& one) { return one.advert_int >= kSpareBelow; });
}

std::string joined(const ipc::DaemonSettings& settings) {
    std::string text = settings.net_namespace;
    if (!text.empty() && !settings.instance.empty()) text += '_';
    return text + settings.instance;
}

}  // namespace

ipc::DaemonSettings daemon_settings(const config::Config& config, const std::string& named) {
    ipc::DaemonSettings settings;
    const auto& root = config.more->values;
    const auto& global = config.global.more->values;
    settings.net_namespace = net_namespace_of(config, named);
    settings.has_ipvs_namespace = value_of(root, keyword::net_namespace_ipvs).has_value();
    settings.ipvs_namespace = first_word(root, keyword::net_namespace_ipvs);
    settings.instance = first_word(root, keyword::instance);
    settings.use_pid_dir = flag(root, keyword::use_pid_dir);
    if (const auto wait = value_of(root, keyword::child_wait_time))
        settings.child_wait_seconds = static_cast<std::uint32_t>(wait->count() / 1'000'000);
    settings.process_name = first_word(global, keyword::process_name);
    settings.umask = umask_of(global);
    settings.reload_check = value_of(global, keyword::reload_check_config).has_value();
    settings.reload_check_log = first_word(global, keyword::reload_check_config);
    settings.reload_time_file = first_word(global, keyword::reload_time_file);
    settings.reload_repeat = flag(global, keyword::reload_repeat);
    settings.has_reload_file = value_of(global, keyword::reload_file).has_value();
    settings.reload_file = first_word(global, keyword::reload_file);
    settings.config_save_dir = first_word(global, keyword::config_save_dir);
    settings.tmp_config_directory = first_word(global, keyword::tmp_config_directory);
    if (const auto table = value_of(global, keyword::nftables))
        settings.nftables_table = table->empty() ? "keepalived" : table->front();
    settings.disable_local_igmp = flag(global, keyword::disable_local_igmp);
    settings.state_dump_file = first_word(global, keyword::state_dump_file);
    for (const Kind kind : kRoleKinds) {
        const auto options = process_options(config.global, kind);
        const auto number = static_cast<std::uint8_t>(kind);
        if (options.rt_priority || options.nice != 0 || options.auto_ceiling != 0)
            settings.scheduling_roles.push_back(number);
        if (options.no_swap) settings.locking_roles.push_back(number);
    }
    settings.data_use_instance = flag(global, keyword::data_use_instance);
    settings.without_spare = nobody_notices_restarts(config.instances);
    return settings;
}

std::optional<std::string> changed_at_reload(const ipc::DaemonSettings& before, const ipc::DaemonSettings& after) {
    if (before.net_namespace != after.net_namespace) return "network namespace";
    if (before.has_ipvs_namespace != after.has_ipvs_namespace || before.ipvs_namespace != after.ipvs_namespace)
        return "IPVS network namespace";
    if (before.instance != after.instance) return "instance name";
    if (before.nftables_table != after.nftables_table) return "nftables table name";
    if (before.tmp_config_directory != after.tmp_config_directory) return "tmp_config_directory";
    if (before.disable_local_igmp != after.disable_local_igmp) return "disable_local_igmp";
    return std::nullopt;
}

Paths paths_of(const Identity& identity, const std::string& run_directory, const std::string& spool_directory,
               const ipc::DaemonSettings& settings, const std::string& pid_name) {
    const std::string configured = joined(settings);
    Paths paths;
    paths.pid_name = pid_name;
    paths.name = folder_name(configured + (configured.empty() || pid_name.empty() ? "" : "_") + pid_name);
    paths.run_directory = paths.name.empty() ? run_directory : run_directory + "/" + paths.name;
    paths.spool_directory = paths.name.empty() ? spool_directory : spool_directory + "/" + paths.name;
    for (const auto* part : {&settings.net_namespace, &settings.instance})
        if (!part->empty()) paths.suffix += "_" + *part;
    paths.pid_directory = paths.run_directory;
    if (identity.keepalived) {
        paths.pid_directory = settings.use_pid_dir || !configured.empty() ? "/run/keepalived" : "/run";
        if (!settings.instance.empty()) paths.pid_suffix = "_" + settings.instance;
    }
    return paths;
}

std::string Paths::pid_file(const Identity& identity, Kind kind) const {
    std::string path = identity.pid_file(kind, run_directory);
    if (path.starts_with(run_directory + "/")) return path;
    const auto at = path.rfind('/') + 1;
    return pid_directory + "/" + path.substr(at, path.rfind('.') - at) + pid_suffix + ".pid";
}

std::string dump_path(const std::string& tmp, const std::string& standard, const std::string& configured,
                      const std::string& process, const std::string& instance_suffix) {
    std::string path = configured.empty() ? standard : configured;
    if (path.ends_with('/')) path += standard;
    if (!path.starts_with('/')) path = tmp + "/" + path;
    const auto slash = path.rfind('/');
    const auto dot = path.rfind('.');
    const auto at = dot == std::string::npos || dot < slash ? path.size() : dot;
    path.insert(at, process + (instance_suffix.empty() ? "" : "." + instance_suffix.substr(1)));
    return path;
}

}  // namespace mainstay::role
