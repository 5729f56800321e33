// Keeps the kernel's firewall rules of the vrrp role in the state that the plan (vrrp/filter.hpp) describes.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/router.hpp"
#include "role/common/ruleset_watch.hpp"

namespace mainstay::role {

class VrrpFirewall {
public:
    VrrpFirewall(Runtime& runtime, const Links& links);

    // Applies a configuration. `restarted`: a crashed process of this daemon left rules, which stay in force until
    // apply_at_once() has replaced them.
    void configure(std::shared_ptr<const config::Config> config, bool vmacs, bool restarted);
    void set_vmacs(std::vector<vrrp::IndexedDevice> vmacs);
    // Called before a master sets its addresses, and after it has removed them.
    void guard(const config::Instance& instance);
    void release(const std::vector<vrrp::HeldAddress>& addresses);
    // After a reload: the addresses that are held now, and the VMACs that exist.
    void guard_only(const vrrp::Router& router, std::vector<vrrp::IndexedDevice> vmacs);
    // From now on every change is made at once.
    void apply_at_once();
    void close(bool keep);

    [[nodiscard]] std::uint64_t repairs() const { return repairs_; }

private:
    void apply();
    [[nodiscard]] vrrp::FilterPlan plan(const std::vector<vrrp::HeldAddress>& held) const;
    void apply_iptables_anew();
    void apply_iptables(const vrrp::FilterState& wanted);
    [[nodiscard]] vrrp::FilterState iptables_state() const;
    void apply(netlink::VipFilter& done, const netlink::VipFilter& wanted);
    [[nodiscard]] bool replace(const netlink::VipFilter& wanted);
    void drop(const netlink::VipFilter& filter);
    [[nodiscard]] bool open();
    void delete_old_tables(const std::string& table);
    void check();
    void complain(const Error& error);

    void run(const vrrp::FilterCall& arguments);

    Runtime& runtime_;
    Log& log_;
    const Links& links_;
    std::optional<vrrp::FilterState> iptables_done_;
    bool iptables_new_ = true;  // this process has not written any rules yet
    std::optional<kernel::Nftables> nftables_;
    RulesetWatch watch_;
    vrrp::Firewall kind_ = vrrp::Firewall::None;
    std::shared_ptr<const config::Config> config_ = std::make_shared<const config::Config>();
    std::vector<vrrp::HeldAddress> held_;
    std::vector<vrrp::IndexedDevice> vmacs_;
    vrrp::FilterPlan done_;  // the rules in the kernel
    std::set<std::string> old_looked_for_;
    bool deferred_ = false, complained_ = false;
    std::uint64_t repairs_ = 0;
};

}  // namespace mainstay::role
