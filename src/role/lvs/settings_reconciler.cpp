#include "settings_reconciler.hpp"

#include <cerrno>

namespace mainstay::role {

SettingsReconciler::SettingsReconciler(boost::asio::io_context& loop, Log& log, const LvsOptions& options,
                                       std::function<void()> save)
    : loop_{loop}, log_{log}, options_{options}, save_{std::move(save)}, timer_{loop} {}

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
    settle();
}

Result<void> SettingsReconciler::expire_quiescent(bool wanted, std::optional<bool> original) {
    if (original) original_expiry_ = original;
    if (wanted == expires_ && wanted == original_expiry_.has_value()) return {};
    expires_ = wanted;
    Result<void> done = fail(Errc::Unsupported, "IPVS cannot be programmed");
    if (open()) done = settle_expiry();
    settle();  // from now on it is compared like the other settings
    return done;
}

void SettingsReconciler::told(const std::string& instance, bool master) {
    if (!sync_ || instance != sync_->instance || master_ == master) return;
    master_ = master;
    settle();
}

void SettingsReconciler::interface_is(std::uint32_t index) {
    if (!sync_) return;
    if (interface_index_ == index) {
        if (failing_) settle();  // the interface may be up now
        return;
    }
    const bool was_told = interface_index_.has_value();
    // A daemon on an interface that was removed, or created again, neither receives nor sends.
    renew_ = renew_ || was_told;
    interface_index_ = index;
    if (index == 0)
        log_.warning("lvs_sync_daemon: interface {} does not exist: connections are not synchronised until it appears",
                     sync_->interface);
    else if (was_told)
        log_.notice("lvs_sync_daemon: interface {} has appeared", sync_->interface);
    settle();
}

void SettingsReconciler::settle() {
    if (stopped_) return;
    timer_.cancel();
    if (idle() && !ours_) return;
    bool done = open() && settle_timeouts();
    if (done)
        if (const auto settled = settle_expiry(); !settled) done = failed(settled.error());
    done = done && settle_daemons();
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

bool SettingsReconciler::settle_daemons() {
    if (!sync_ && !ours_) return true;
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
    ours_ = sync_.has_value();
    for (const auto& step : lvs::plan_daemons(wanted, *actual, renew_))
        if (!carry_out(step)) return false;
    renew_ = false;
    return true;
}

bool SettingsReconciler::carry_out(const lvs::DaemonStep& step) {
    const bool starts = step.kind == lvs::DaemonStep::Kind::Start;
    auto done = starts ? kernel_->start_daemon(step.daemon) : kernel_->stop_daemon(step.daemon.state);
    if (!done) return failed(done.error());
    log_.info("{} {}", starts ? "Started" : "Stopped", netlink::describe(step.daemon));
    if (starts) told_failures_.clear();
    return true;
}

bool SettingsReconciler::settle_timeouts() {
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

Result<void> SettingsReconciler::settle_expiry() {
    if (!expires_ && !original_expiry_) return {};
    const auto actual = kernel_->expires_quiescent();
    if (!actual) return std::unexpected{actual.error()};
    if (!original_expiry_) {
        original_expiry_ = *actual;
        save_();
    }
    if (const bool due = expires_ || *original_expiry_; *actual != due) {
        if (expires_ && expiry_set_)
            log_.warning("net.ipv4.vs.expire_quiescent_template was changed by another program; repaired");
        if (auto done = kernel_->set_expires_quiescent(due); !done) return done;
        log_.info("net.ipv4.vs.expire_quiescent_template set to {}", due ? 1 : 0);
    }
    expiry_set_ = expires_;
    if (!expires_) original_expiry_.reset();
    return {};
}

void SettingsReconciler::arm(Micros pause) {
    timer_.expires_after(pause);
    timer_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
        if (!error && !alive.expired()) settle();
    });
}

bool SettingsReconciler::failed(const Error& error) {
    if (told_failures_.insert(error.text()).second)
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
    expires_ = false;
    if (const auto done = settle_expiry(); !done) log_.error("{}", done.error().text());
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

}  // namespace mainstay::role
