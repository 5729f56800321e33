// Keeps the IPVS settings outside the table in their desired state: the synchronisation daemons (lvs_sync_daemon), the
// timeouts of connections (lvs_timeouts), and expire_quiescent_template while an operator drains with
// --expire-persistence. Like the table's reconciler it compares and writes the difference, at each change and with
// every audit. Settings that are not configured are never touched.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/lvs/sync.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "mainstay/role/lvs/role.hpp"
#include "role/common/ruleset_watch.hpp"

namespace mainstay::role {

// Settings of the kernel while somebody wants them changed: the value that was there first is kept, a change by another
// program is repaired, and at the end the first value is put back.

inline constexpr std::string_view kExpireQuiescent = "expire_quiescent_template";
inline constexpr std::string_view kExpireNoDestination = "expire_nodest_conn";
// Answers of real servers to checks along the data path come from the service's address, which may be this host's own.
inline constexpr std::string_view kAcceptLocal = "net/ipv4/conf/all/accept_local";

// Below /proc/sys. A name without slashes is one of net/ipv4/vs.
[[nodiscard]] std::string sysctl_path(std::string_view name);

class IpvsSysctls {
public:
    using Values = std::map<std::string, int, std::less<>>;  // by name, as sysctl_path() takes it

    // `save` is called before a setting is changed for the first time, because its first value must survive a crash.
    IpvsSysctls(Log& log, std::function<void()> save) : log_{log}, save_{std::move(save)} {}

    void inherit(std::string_view name, int original) { originals_.insert_or_assign(std::string{name}, original); }
    void want(std::string_view name, std::optional<int> value);  // none: as it was
    // Compares and writes each. The error of the last one that failed; the others are done.
    [[nodiscard]] Result<void> reconcile(IpvsSettings& kernel);
    void want_none() { wanted_.clear(); }

    [[nodiscard]] bool is_idle() const { return wanted_.empty() && originals_.empty(); }
    [[nodiscard]] bool wants(std::string_view name) const { return wanted_.contains(name); }
    [[nodiscard]] bool has_set(std::string_view name) const { return set_.contains(name); }
    [[nodiscard]] const Values& originals() const { return originals_; }  // of those that are changed now
    [[nodiscard]] std::optional<int> original(std::string_view name) const;

private:
    [[nodiscard]] Result<void> keep(IpvsSettings& kernel, const std::string& name, int value);
    [[nodiscard]] Result<void> put_back(IpvsSettings& kernel, const std::string& name, int original);

    Log& log_;
    std::function<void()> save_;
    Values wanted_, originals_;
    Values set_;  // by this incarnation
};

struct LvsSettings {
    std::optional<config::SyncDaemon> sync;
    netlink::IpvsTimeouts timeouts;
};
[[nodiscard]] LvsSettings settings_of(const config::Config& config);

class SettingsReconciler {
public:
    // `save` is called before the first change of a timeout or of expire_quiescent_template, because the original
    // values must survive a crash. All arguments but `options` must outlive the reconciler.
    SettingsReconciler(boost::asio::io_context& loop, Log& log, const LvsOptions& options, std::function<void()> save);

    void reconcile();  // also with what another program changed
    // At the start and at a reload. `original`: the timeouts before an earlier incarnation changed them.
    void configure(LvsSettings wanted, std::optional<netlink::IpvsTimeouts> original = {});
    // The values of net.ipv4.vs before an earlier incarnation changed them. Before the first of the next three.
    void inherit(const IpvsSysctls::Values& originals);
    // While it is on nothing of net.ipv4.vs is written, because not everything that is wanted is known yet: what was
    // inherited would be put back and set again, in the middle of the traffic.
    void hold_sysctls(bool on);
    // Sets expire_quiescent_template, or restores its original value. An error: not done now; retried until reset.
    Result<void> expire_quiescent(bool wanted);
    // What directors need that take over each other's flows (docs/active-active.md), or the original values.
    void take_over_flows(bool wanted);
    // What checks along the data path need: answers from an IPv4 address that this host may have itself.
    void accept_own_addresses(bool wanted);
    [[nodiscard]] bool accepts_own_addresses() const { return sysctls_.has_set(kAcceptLocal); }
    // While destinations are deleted and added again, packets of their flows are dropped instead of ending the flows.
    void keep_flows_of_deleted(bool wanted);
    void instance_is(const std::string& instance, bool master);
    // The index of the sync daemon's interface, 0 while it does not exist. Also called for other changes of the
    // interface.
    void interface_is(std::uint32_t index);
    void stop();

    [[nodiscard]] const std::optional<config::SyncDaemon>& sync_daemon() const { return sync_; }
    [[nodiscard]] const std::optional<netlink::IpvsTimeouts>& original_timeouts() const { return original_; }
    [[nodiscard]] const IpvsSysctls::Values& original_sysctls() const { return sysctls_.originals(); }

private:
    [[nodiscard]] bool idle() const {
        return !sync_ && !original_ && timeouts_ == netlink::IpvsTimeouts{} && sysctls_.is_idle();
    }
    [[nodiscard]] bool reconcile_daemons();
    [[nodiscard]] bool reconcile_timeouts();
    Result<void> reconcile_sysctls();
    void put_back_timeouts();
    [[nodiscard]] bool open();
    [[nodiscard]] bool carry_out(const lvs::DaemonStep& step);
    void arm(Micros pause);
    [[nodiscard]] bool failed(const Error& error);  // logged once; always false

    boost::asio::io_context& loop_;
    Log& log_;
    const LvsOptions& options_;
    std::function<void()> save_;
    std::unique_ptr<IpvsSettings> kernel_;
    boost::asio::steady_timer timer_;

    std::optional<config::SyncDaemon> sync_;
    bool ours_ = false;  // daemons were started by us, or by an earlier incarnation
    bool renew_ = false;
    std::optional<bool> master_;
    std::optional<std::uint32_t> interface_index_;  // none: nothing is monitored

    netlink::IpvsTimeouts timeouts_;
    std::optional<netlink::IpvsTimeouts> original_;
    bool timeouts_set_ = false;  // this incarnation has set the desired ones

    IpvsSysctls sysctls_;
    bool holds_sysctls_ = false;

    std::set<std::string> logged_failures_;
    bool failing_ = false;
    bool stopped_ = false;
    Lifetime lifetime_;
};

// Keeps the nftables table of nftables_ipvs in its desired state.
class MarkReconciler {
public:
    MarkReconciler(boost::asio::io_context& loop, Log& log, Micros again_every)
        : log_{log}, again_every_{again_every}, timer_{loop}, watch_{loop, [this] { check(); }} {}

    // Writes the table in one transaction, and only if it has changed. A failure is retried, and logged once.
    void set_desired(std::optional<netlink::MarkTable> table);
    void stop(bool keep);

private:
    void reconcile();
    [[nodiscard]] Result<void> apply();
    void check();  // whether another program changed it; then it is written again

    Log& log_;
    Micros again_every_;
    boost::asio::steady_timer timer_;
    std::optional<kernel::Nftables> nftables_;
    RulesetWatch watch_;  // of it
    std::optional<netlink::MarkTable> wanted_, done_;
    bool logged_ = false;
};

}  // namespace mainstay::role
