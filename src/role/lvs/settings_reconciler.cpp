#include "settings_reconciler.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace mainstay::role {

SettingsReconciler::SettingsReconciler(boost::asio::io_context& loop, Log& log, const LvsOptions& options,
                                       std::function<void()> save)
    : loop_{loop}, log_{log}, options_{options}, save_{std::move(save)}, timer_{loop}, sysctls_{log, save_} {}

// Without virtual servers the timeouts are not applied, as in keepalived, which then starts no checker process.
LvsSettings settings_of(const config::Config& config) {
    auto sync = config::sync_daemon(config);
    if (config.virtual_servers.empty() && !sync) return {};
    return {std::move(sync), lvs::wanted_timeouts(config.global)};
}

void SettingsReconciler::configure(LvsSettings wanted, std::optional<netlink::IpvsTimeouts> original) {
    if (original) original_ = original;
    auto& sync = wanted.sync;
    // The kernel does not report the packet length that it chose itself, so the requested values are compared.
    renew_ = renew_ || (sync_ && sync && *sync_ != *sync);
    if (sync_ && (!sync || sync->instance != sync_->instance)) master_.reset();
    if (sync_ && (!sync || sync->interface != sync_->interface)) interface_index_.reset();
    sync_ = std::move(sync);
    timeouts_set_ = timeouts_set_ && wanted.timeouts == timeouts_;
    timeouts_ = wanted.timeouts;
    reconcile();
}

void SettingsReconciler::inherit(const IpvsSysctls::Values& originals) {
    for (const auto& [name, value] : originals) sysctls_.inherit(name, value);
}

void SettingsReconciler::hold_sysctls(bool on) {
    if (std::exchange(holds_sysctls_, on) && !on) reconcile();
}

Result<void> SettingsReconciler::expire_quiescent(bool wanted) {
    const bool is_changed = sysctls_.original(kExpireQuiescent).has_value();
    if (wanted == sysctls_.wants(kExpireQuiescent) && wanted == is_changed) return {};
    sysctls_.want(kExpireQuiescent, wanted ? std::optional{1} : std::nullopt);
    auto done = reconcile_sysctls();
    reconcile();  // from now on it is compared like the other settings
    return done;
}

// sloppy_*: a packet in the middle of a flow that another director had makes a connection too; schedule_icmp: so does
// an ICMP error about one. expire_nodest_conn and conn_reuse_mode: a client that comes again from the same port gets a
// server that takes traffic. backup_only: a director that receives connections serves clients all the same.
void SettingsReconciler::take_over_flows(bool wanted) {
    static constexpr std::array<std::pair<std::string_view, int>, 6> kSettings{{{"sloppy_tcp", 1},
                                                                                {"sloppy_sctp", 1},
                                                                                {"schedule_icmp", 1},
                                                                                {kExpireNoDestination, 1},
                                                                                {"conn_reuse_mode", 1},
                                                                                {"backup_only", 0}}};
    if (!wanted && sysctls_.is_idle()) return;
    for (const auto& [name, value] : kSettings) sysctls_.want(name, wanted ? std::optional{value} : std::nullopt);
    reconcile();
}

void SettingsReconciler::accept_own_addresses(bool wanted) {
    if (wanted == sysctls_.wants(kAcceptLocal) && wanted == sysctls_.original(kAcceptLocal).has_value()) return;
    sysctls_.want(kAcceptLocal, wanted ? std::optional{1} : std::nullopt);
    reconcile();
}

void SettingsReconciler::keep_flows_of_deleted(bool wanted) {
    if (!sysctls_.wants(kExpireNoDestination)) return;
    sysctls_.want(kExpireNoDestination, wanted ? 0 : 1);
    reconcile();
}

Result<void> SettingsReconciler::reconcile_sysctls() {
    if (sysctls_.is_idle() || holds_sysctls_) return {};
    if (!open()) return fail(Errc::Unsupported, "IPVS cannot be programmed");
    return sysctls_.reconcile(*kernel_);
}

void SettingsReconciler::instance_is(const std::string& instance, bool master) {
    if (!sync_ || instance != sync_->instance || master_ == master) return;
    master_ = master;
    reconcile();
}

void SettingsReconciler::interface_is(std::uint32_t index) {
    if (!sync_) return;
    if (interface_index_ == index) {
        if (failing_) reconcile();  // the interface may be up now
        return;
    }
    const bool was_known = interface_index_.has_value();
    // A daemon on an interface that was removed, or created again, neither receives nor sends.
    renew_ = renew_ || was_known;
    interface_index_ = index;
    if (index == 0)
        log_.warning("lvs_sync_daemon: interface {} does not exist: connections are not synchronised until it appears",
                     sync_->interface);
    else if (was_known)
        log_.notice("lvs_sync_daemon: interface {} has appeared", sync_->interface);
    reconcile();
}

void SettingsReconciler::reconcile() {
    if (stopped_) return;
    timer_.cancel();
    if (idle() && !ours_) return;
    bool done = open() && reconcile_timeouts();
    if (done) {
        // A container, or an older kernel, may not have each of these settings.
        const auto written = reconcile_sysctls();
        done = reconcile_daemons() && (written || failed(written.error()));
    }
    failing_ = !done;
    if (!done) return arm(options_.reopen_every);
    if (options_.audit_every.count() > 0) arm(options_.audit_every);
}

bool SettingsReconciler::open() {
    if (kernel_) return true;
    if (!options_.open_settings) return false;
    auto opened = options_.open_settings();
    if (!opened) return false;  // the table's reconciler has logged it
    kernel_ = std::move(*opened);
    return true;
}

bool SettingsReconciler::reconcile_daemons() {
    if (!sync_ && !ours_) return true;
    ours_ = true;  // also those of an earlier process, of which it is not known yet whether they are to go on
    std::vector<netlink::IpvsDaemon> wanted;
    if (sync_ && interface_index_ != 0U) {
        auto daemons = lvs::wanted_daemons(*sync_, master_);
        if (!daemons) return true;  // the vrrp process will report it
        wanted = std::move(*daemons);
    }
    const auto actual = kernel_->daemons();
    if (!actual) {
        kernel_.reset();
        return failed(actual.error());
    }
    for (const auto& step : lvs::plan_daemons(wanted, *actual, renew_))
        if (!carry_out(step)) return false;
    ours_ = sync_.has_value();
    renew_ = false;
    return true;
}

bool SettingsReconciler::carry_out(const lvs::DaemonStep& step) {
    const bool starts = step.kind == lvs::DaemonStep::Kind::Start;
    auto done = starts ? kernel_->start_daemon(step.daemon) : kernel_->stop_daemon(step.daemon.state);
    if (!done) return failed(done.error());
    log_.info("{} {}", starts ? "Started" : "Stopped", netlink::describe(step.daemon));
    if (starts) logged_failures_.clear();
    return true;
}

bool SettingsReconciler::reconcile_timeouts() {
    if (!original_ && timeouts_ == netlink::IpvsTimeouts{}) return true;
    const auto actual = kernel_->timeouts();
    if (!actual) {
        kernel_.reset();
        return failed(actual.error());
    }
    if (!original_) {
        original_ = *actual;
        save_();
    }
    const auto change = lvs::timeouts_to_set(timeouts_, *original_, *actual);
    if (change != netlink::IpvsTimeouts{}) {
        if (timeouts_set_) log_.warning("The IPVS timeouts were changed by another program; repaired");
        if (auto done = kernel_->set_timeouts(change); !done) return failed(done.error());
    }
    timeouts_set_ = true;
    if (timeouts_ == netlink::IpvsTimeouts{}) original_.reset();  // everything is restored and no longer managed
    return true;
}

void SettingsReconciler::arm(Micros pause) {
    timer_.expires_after(pause);
    timer_.async_wait(lifetime_.when_due([this] { reconcile(); }));
}

bool SettingsReconciler::failed(const Error& error) {
    if (logged_failures_.insert(error.text()).second)
        log_.error("{}; retried every {} s", error.text(),
                   std::chrono::duration_cast<Seconds>(options_.reopen_every).count());
    return false;
}

void SettingsReconciler::stop() {
    stopped_ = true;
    timer_.cancel();
    if (!kernel_) return;
    if (ours_)
        if (const auto actual = kernel_->daemons())
            for (const auto& step : lvs::plan_daemons({}, *actual, false)) static_cast<void>(carry_out(step));
    sysctls_.want_none();
    if (const auto done = reconcile_sysctls(); !done) log_.error("{}", done.error().text());
    put_back_timeouts();
}

void SettingsReconciler::put_back_timeouts() {
    if (!original_) return;
    const auto actual = kernel_->timeouts();
    if (!actual) return;
    const auto change = lvs::timeouts_to_set({}, *original_, *actual);
    if (change == netlink::IpvsTimeouts{}) return;
    if (auto done = kernel_->set_timeouts(change); !done) log_.error("{}", done.error().text());
}

namespace {

constexpr std::string_view kIpvs = "net/ipv4/vs/";

std::string dotted(std::string_view name) {
    std::string text = sysctl_path(name);
    std::ranges::replace(text, '/', '.');
    return text;
}

}  // namespace

std::string sysctl_path(std::string_view name) {
    return fmt::format("{}{}", name.find('/') == std::string_view::npos ? kIpvs : "", name);
}

void IpvsSysctls::want(std::string_view name, std::optional<int> value) {
    if (value)
        wanted_.insert_or_assign(std::string{name}, *value);
    else if (const auto at = wanted_.find(name); at != wanted_.end())
        wanted_.erase(at);
}

std::optional<int> IpvsSysctls::original(std::string_view name) const {
    const auto at = originals_.find(name);
    return at == originals_.end() ? std::nullopt : std::optional{at->second};
}

Result<void> IpvsSysctls::reconcile(IpvsSettings& kernel) {
    Result<void> all;
    for (const auto& [name, value] : wanted_)
        if (auto done = keep(kernel, name, value); !done) all = std::move(done);
    const Values changed = originals_;
    for (const auto& [name, original] : changed) {
        if (wanted_.contains(name)) continue;
        if (auto done = put_back(kernel, name, original); !done) all = std::move(done);
    }
    return all;
}

Result<void> IpvsSysctls::keep(IpvsSettings& kernel, const std::string& name, int value) {
    const auto actual = kernel.sysctl(name);
    if (!actual) return error_of(actual);
    if (originals_.emplace(name, *actual).second) save_();
    const auto before = set_.find(name);
    const bool was_set = before != set_.end() && before->second == value;
    if (*actual != value) {
        if (was_set) log_.warning("{} was changed by another program; repaired", dotted(name));
        if (auto done = kernel.set_sysctl(name, value); !done) return done;
        log_.info("{} set to {}", dotted(name), value);
    }
    set_.insert_or_assign(name, value);
    return {};
}

Result<void> IpvsSysctls::put_back(IpvsSettings& kernel, const std::string& name, int original) {
    set_.erase(name);
    const auto actual = kernel.sysctl(name);
    if (!actual) return error_of(actual);
    if (*actual != original) {
        if (auto done = kernel.set_sysctl(name, original); !done) return done;
        log_.info("{} set to {}", dotted(name), original);
    }
    originals_.erase(name);
    return {};
}

void MarkReconciler::set_desired(std::optional<netlink::MarkTable> table) {
    wanted_ = std::move(table);
    reconcile();
}

void MarkReconciler::reconcile() {
    timer_.cancel();
    if (wanted_ == done_) return;
    if (auto applied = apply(); applied) {
        logged_ = false;
        return;
    } else if (!std::exchange(logged_, true)) {
        log_.error("nftables_ipvs: {}: packets to virtual server groups are not marked; retried every {} s",
                   applied.error().text(), std::chrono::duration_cast<Seconds>(again_every_).count());
    }
    watch_.stop();
    nftables_.reset();
    timer_.expires_after(again_every_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) reconcile();
    });
}

Result<void> MarkReconciler::apply() {
    if (!nftables_) {
        auto opened = kernel::Nftables::open();
        if (!opened) return error_of(opened);
        nftables_.emplace(std::move(*opened));
    }
    auto batch = nftables_->begin();
    if (done_ && (!wanted_ || wanted_->name != done_->name)) {
        netlink::MarkTable gone;
        gone.name = done_->name;
        netlink::append_mark_table(batch, gone);
    }
    if (wanted_) netlink::append_mark_table(batch, *wanted_);
    if (auto committed = nftables_->commit(batch); !committed) return committed;
    done_ = wanted_;
    if (done_)
        watch_.start(*nftables_);
    else
        watch_.stop();
    return {};
}

void MarkReconciler::check() {
    if (!done_ || !nftables_) return;
    const auto same = nftables_->looks_like(*done_);
    if (!same || *same) return;  // an interrupted query is repeated at the next change
    log_.warning("nftables table {} was changed by another program: restored", done_->name);
    done_.reset();
    reconcile();
}

void MarkReconciler::stop(bool keep) {
    timer_.cancel();
    watch_.stop();
    if (keep || !done_) return;
    wanted_.reset();
    if (auto applied = apply(); !applied) log_.error("nftables_ipvs: {}", applied.error().text());
}

}  // namespace mainstay::role
