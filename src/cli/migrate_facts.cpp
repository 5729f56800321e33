#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "daemon_processes.hpp"
#include "mainstay/config/tools/host_files.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "migrate.hpp"

namespace mainstay::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPidFile = "/run/keepalived.pid";
constexpr const char* kConfiguration = "/etc/keepalived/keepalived.conf";
// systemd's order: a file of an earlier folder replaces one of the same name in a later one.
constexpr std::array kUnitFolders{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system",
                                  "/lib/systemd/system"};

// Paths on the host that may be another one's root folder.
class Root {
public:
    explicit Root(const std::string& folder) : folder_{folder == "/" ? std::string{} : folder} {
        while (folder_.ends_with('/')) folder_.pop_back();
    }
    [[nodiscard]] std::string real(const std::string& path) const { return folder_ + path; }
    [[nodiscard]] bool is_host() const { return folder_.empty(); }

private:
    std::string folder_;
};

std::optional<std::string> text_of(const std::string& path) {
    std::error_code failed;
    if (!fs::is_regular_file(path, failed)) return std::nullopt;
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    std::string text(config::kHostFileBytesMax, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::string owner_of(const struct stat& status) { return fmt::format("{}:{}", status.st_uid, status.st_gid); }
std::string mode_of(const struct stat& status) { return fmt::format("{:04o}", status.st_mode & 07777U); }

void gather_units(const Root& root, MigrateFacts& facts) {
    for (const std::string folder : kUnitFolders)
        if (const auto text = text_of(root.real(folder + "/keepalived.service"))) {
            facts.in_place_of_keepalived = config::is_unit_of_mainstay(*text);
            break;
        }
    std::map<std::string, MigrateFacts::File> drop_ins;  // by name: systemd reads them in this order
    // A unit in the administrator's folder replaces the package's.
    if (auto text = text_of(root.real("/etc/systemd/system/keepalived.service")))
        facts.units.push_back({"/etc/systemd/system/keepalived.service", std::move(*text)});
    for (const std::string folder : kUnitFolders) {
        std::error_code failed;
        const std::string drop_in_folder = folder + "/keepalived.service.d";
        for (const auto& entry : fs::directory_iterator{root.real(drop_in_folder), failed}) {
            const std::string name = entry.path().filename().string();
            if (!name.ends_with(".conf") || drop_ins.contains(name)) continue;
            if (auto text = text_of(entry.path().string()))
                drop_ins.emplace(name,
                                 MigrateFacts::File{fmt::format("{}/{}", drop_in_folder, name), std::move(*text)});
        }
    }
    for (auto& [name, file] : drop_ins) facts.units.push_back(std::move(file));
}

// Files that the unit names itself; - before one: it may be missing.
void gather_option_files(const Root& root, MigrateFacts& facts) {
    for (const auto& unit : facts.units)
        for (const auto& setting : config::read_unit_file(unit.text)) {
            if (setting.key != "EnvironmentFile") continue;
            const std::string path = setting.value.substr(setting.value.starts_with('-') ? 1 : 0);
            if (std::ranges::find(facts.option_files, path, &MigrateFacts::File::path) != facts.option_files.end())
                continue;
            if (auto text = text_of(root.real(path))) facts.option_files.push_back({path, std::move(*text)});
        }
}

class CommandCollector {
public:
    CommandCollector(const Root& root, MigrateFacts& facts) : root_{root}, facts_{facts} {}

    void collect(const config::Config& config) {
        settings("global_defs", config.global.more->values);
        settings("", config.more->values);
        for (const auto& script : config.scripts) add("vrrp_script " + script.name, script.command);
        for (const auto& instance : config.instances) {
            notifies("vrrp_instance " + instance.name, instance.notify);
            settings("vrrp_instance " + instance.name, instance.more->values);
        }
        for (const auto& group : config.sync_groups) {
            notifies("vrrp_sync_group " + group.name, group.notify);
            settings("vrrp_sync_group " + group.name, group.more->values);
        }
        for (const auto& service : config.virtual_servers) collect(service);
    }

private:
    void collect(const config::VirtualServer& service) {
        const std::string name = "virtual_server " + config::service_name(service);
        add(name + " quorum_up", *service.quorum_up);
        add(name + " quorum_down", *service.quorum_down);
        for (const auto& server : service.real_servers) {
            const std::string of = "real_server " + config::server_name(server.endpoint, service.protocol);
            add(of + " notify_up", *server.notify_up);
            add(of + " notify_down", *server.notify_down);
            for (const auto& checker : server.checkers) add(of + " MISC_CHECK", *checker.misc_path);
        }
    }
    void notifies(const std::string& name, const config::Notifies& notify) {
        add(name + " notify_master", *notify.master);
        add(name + " notify_backup", *notify.backup);
        add(name + " notify_fault", *notify.fault);
        add(name + " notify_stop", *notify.stop);
        add(name + " notify", *notify.any);
    }
    void settings(const std::string& name, const config::KeywordValues& values) {
        for (const auto& value : values) {
            if (const auto* command = std::get_if<config::Command>(&value.data))
                add(name + (name.empty() ? "" : " ") + value.keyword, *command);
            const auto* words = std::get_if<config::WordList>(&value.data);
            if (words != nullptr && !words->empty() && value.keyword.ends_with("notify_fifo"))
                add_fifo(value.keyword, words->front());
        }
    }
    void add_fifo(const std::string& keyword, const std::string& path) {
        MigrateFacts::Fifo fifo{.keyword = keyword, .path = path};
        if (const auto status = kernel::stat_of(root_.real(path))) {
            fifo.found = true;
            fifo.owner = owner_of(*status);
            fifo.mode = mode_of(*status);
        }
        facts_.fifos.push_back(std::move(fifo));
    }
    // A path that several use is listed once, for the first.
    void add(const std::string& used_by, const config::Command& command) {
        if (command.empty() || command.argv.front().empty()) return;
        const std::string& path = command.argv.front();
        if (std::ranges::find(facts_.scripts, path, &MigrateFacts::Script::path) != facts_.scripts.end()) return;
        MigrateFacts::Script script{.used_by = used_by, .path = path};
        if (!path.starts_with('/')) {
            facts_.scripts.push_back(std::move(script));
            return;
        }
        if (const auto status = kernel::stat_of(root_.real(path)); status && S_ISREG(status->st_mode)) {
            script.found = true;
            script.owner = owner_of(*status);
            script.mode = mode_of(*status);
            for (fs::path part = path;; part = part.parent_path()) {
                if (const auto of = kernel::stat_of(root_.real(part.string())); of && kernel::changeable_by_others(*of))
                    script.loose.push_back(part.string());
                if (part == part.parent_path()) break;
            }
        }
        facts_.scripts.push_back(std::move(script));
    }

    const Root& root_;
    MigrateFacts& facts_;
};

}  // namespace

MigrateFacts gather_migrate_facts(const std::string& root_folder) {
    const Root root{root_folder};
    MigrateFacts facts;
    for (const std::string path : {"/etc/default/keepalived", "/etc/sysconfig/keepalived"})
        if (auto text = text_of(root.real(path))) facts.option_files.push_back({path, std::move(*text)});
    gather_units(root, facts);
    gather_option_files(root, facts);
    if (root.is_host())
        if (const auto running = running_keepalived(kPidFile)) facts.environment = environment_of(running->main);
    const auto given = read_keepalived_options(keepalived_options(facts)).supervisor;
    facts.configuration_path = given.config_path;
    if (facts.configuration_path.empty()) facts.configuration_path = kConfiguration;
    std::error_code failed;
    facts.configuration_found = fs::exists(root.real(facts.configuration_path), failed);
    if (!facts.configuration_found) return facts;
    auto environment = kernel::host_environment();
    environment.config_id = given.config_id;
    if (!root.is_host()) {  // interfaces, accounts and scripts are another host's
        environment.interface_called = nullptr;
        environment.multicasts = nullptr;
        environment.mtu_of = nullptr;
        environment.account_exists = nullptr;
        environment.script_facts = nullptr;
        environment.network_namespace_exists = nullptr;
        environment.subnets = nullptr;
        environment.root = root.real({});  // and includes
    }
    const std::string file = root.real(facts.configuration_path);
    facts.loaded = root.is_host() ? kernel::load_in_its_namespace(file, environment, given.net_namespace)
                                  : config::load_file(file, environment);
    CommandCollector{root, facts}.collect(facts.loaded.config);
    return facts;
}

}  // namespace mainstay::cli
