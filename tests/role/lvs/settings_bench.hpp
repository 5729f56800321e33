// IPVS settings of a kernel in memory: its sync daemons, timeouts and sysctls.
#pragma once

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "role/lvs/settings_reconciler.hpp"

namespace mainstay::role::test {

using netlink::IpvsDaemon;
using netlink::IpvsTimeouts;

struct SettingsKernel {
    std::vector<IpvsDaemon> daemons;
    IpvsTimeouts timeouts{900, 120, 300};
    std::map<std::string, int, std::less<>> sysctls{{"expire_quiescent_template", 0}};
    bool may_write = true;
    bool has_interface = true;
    bool stops_daemons = true;
    bool answers = true;    // false: reading the daemons fails
    bool available = true;  // false: the settings cannot be opened
    bool reads_timeouts = true;
    bool sets_timeouts = true;
    int opened = 0;
    std::vector<std::string> done;
};

class FakeSettings final : public IpvsSettings {
public:
    explicit FakeSettings(SettingsKernel& kernel) : kernel_{kernel} {}
    Result<std::vector<IpvsDaemon>> daemons() override {
        if (!kernel_.answers) return fail_system("read the sync daemons", ENOBUFS);
        return kernel_.daemons;
    }
    Result<void> start_daemon(const IpvsDaemon& daemon) override {
        if (!kernel_.has_interface) return fail_system("start the " + netlink::describe(daemon), ENODEV);
        kernel_.done.push_back("start " + name(daemon.state));
        kernel_.daemons.push_back(daemon);
        kernel_.daemons.back().port = 8848;
        kernel_.daemons.back().ttl = 1;
        kernel_.daemons.back().group = *IpAddress::parse("224.0.0.81");
        return {};
    }
    Result<void> stop_daemon(IpvsDaemon::State state) override {
        if (!kernel_.stops_daemons) return fail_system("stop the daemon of the " + name(state), ENOMEM);
        kernel_.done.push_back("stop " + name(state));
        std::erase_if(kernel_.daemons, [state](const IpvsDaemon& one) { return one.state == state; });
        return {};
    }
    Result<IpvsTimeouts> timeouts() override {
        if (!kernel_.reads_timeouts) return fail_system("read the timeouts", ENOBUFS);
        return kernel_.timeouts;
    }
    Result<void> set_timeouts(const IpvsTimeouts& t) override {
        if (!kernel_.sets_timeouts) return fail_system("set the timeouts", EPERM);
        kernel_.done.push_back("timeouts");
        if (t.tcp != 0) kernel_.timeouts.tcp = t.tcp;
        if (t.tcp_fin != 0) kernel_.timeouts.tcp_fin = t.tcp_fin;
        if (t.udp != 0) kernel_.timeouts.udp = t.udp;
        return {};
    }
    Result<int> sysctl(std::string_view name) override {
        const auto at = kernel_.sysctls.find(name);
        if (at == kernel_.sysctls.end()) return fail_system(fmt::format("read {}", name), ENOENT);
        return at->second;
    }
    Result<void> set_sysctl(std::string_view name, int value) override {
        if (!kernel_.may_write) return fail_system(fmt::format("write {}", name), EROFS);
        kernel_.done.push_back(fmt::format("{}={}", name, value));
        kernel_.sysctls.insert_or_assign(std::string{name}, value);
        return {};
    }

private:
    static std::string name(IpvsDaemon::State state) {
        return state == IpvsDaemon::State::Master ? "master" : "backup";
    }
    SettingsKernel& kernel_;
};

inline LvsOptions options_for(SettingsKernel& kernel) {
    LvsOptions options;
    options.open_settings = [&kernel]() -> Result<std::unique_ptr<IpvsSettings>> {
        ++kernel.opened;
        if (!kernel.available) return fail(Errc::Unsupported, "no IPVS in this kernel: modprobe ip_vs");
        return std::make_unique<FakeSettings>(kernel);
    };
    options.audit_every = std::chrono::milliseconds{20};
    options.reopen_every = std::chrono::milliseconds{20};
    return options;
}

inline LvsSettings following(const std::string& instance) {
    LvsSettings settings;
    settings.sync = config::SyncDaemon{.interface = "eth1", .instance = instance, .id = 51};
    return settings;
}

inline constexpr std::string_view kExpiry = "expire_quiescent_template";

struct SettingsBench {
    SettingsKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    std::size_t saved = 0;
    SettingsReconciler reconciler{runtime.loop_, runtime.log_, options, [this] { ++saved; }};

    std::vector<std::string> done() { return std::exchange(kernel.done, {}); }
    [[nodiscard]] bool expires() const { return kernel.sysctls.find(kExpiry)->second != 0; }
    [[nodiscard]] std::optional<int> original_expiry() const {
        const auto& all = reconciler.original_sysctls();
        const auto at = all.find(kExpiry);
        return at == all.end() ? std::nullopt : std::optional{at->second};
    }
};

using Lines = std::vector<std::string>;

}  // namespace mainstay::role::test
