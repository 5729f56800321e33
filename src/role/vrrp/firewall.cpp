#include "firewall.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "mainstay/alert/script_requests.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/vrrp/instance.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

// Limits how often a program that changes the ruleset causes a check of our table.

// iptables is a link to xtables-nft-multi or xtables-legacy-multi. Without iptables, nftables is the only choice.
bool iptables_is_nft() {
    for (const char* path : {"/usr/sbin/iptables", "/sbin/iptables"}) {
        std::error_code error;
        const auto program = std::filesystem::canonical(path, error);
        if (!error) return program.filename().string().find("nft") != std::string::npos;
    }
    return true;
}

}  // namespace

VrrpFirewall::VrrpFirewall(Runtime& runtime, const Links& links)
    : runtime_{runtime}, log_{runtime.log()}, links_{links}, watch_{runtime.loop(), [this] { check(); }} {
    done_.v6.family = Family::V6;
}

void VrrpFirewall::complain(const Error& error) {
    if (!std::exchange(complained_, true))
        log_.error(
            "firewall rules cannot be set: {}; addresses with no_accept accept packets, and switches may learn "
            "the MAC address of a VMAC from a backup",
            error.text());
}

void VrrpFirewall::configure(std::shared_ptr<const config::Config> config, bool vmacs, bool restarted) {
    const auto choice = vrrp::choose_firewall(*config, vmacs, iptables_is_nft());
    if (config_->global.more != config->global.more || kind_ != choice.kind)
        for (const auto& line : choice.lines) log_.line(line);
    if (choice.kind != kind_ && kind_ == vrrp::Firewall::Nftables) {
        for (const auto* filter : {&done_.v4, &done_.v6})
            if (!filter->empty()) drop(*filter);
        done_ = {};
        done_.v6.family = Family::V6;
    }
    if (choice.kind != kind_ && iptables_done_)
        apply_iptables({.names = iptables_done_->names, .plan = {}, .devices = {}});
    kind_ = choice.kind;
    config_ = std::move(config);
    if (kind_ == vrrp::Firewall::Iptables) {
        apply();
        // A reload writes all rules again, in case other programs have changed them.
        if (!std::exchange(iptables_new_, false)) apply_iptables_anew();
    } else {
        iptables_done_.reset();
        iptables_new_ = true;
    }
    deferred_ = restarted;
    if (kind_ != vrrp::Firewall::Nftables) return;
    const auto table = vrrp::plan_filters(*config_, {}, {}, {}).v4.table;
    if (restarted)
        old_looked_for_.insert(table);  // the crashed process's table is this daemon's own, not a leftover to delete
    if (!open() || restarted) return;
    delete_old_tables(table);
    apply();
}

bool VrrpFirewall::open() {
    if (nftables_) return true;
    auto opened = kernel::Nftables::open();
    if (!opened) {
        complain(opened.error());
        return false;
    }
    nftables_.emplace(std::move(*opened));
    watch_.start(*nftables_);
    return true;
}

// keepalived removes the rules of a killed predecessor at the start, and logs it.
void VrrpFirewall::delete_old_tables(const std::string& table) {
    if (!old_looked_for_.insert(table).second) return;
    for (const auto family : {Family::V4, Family::V6}) {
        const auto there = nftables_->has_table(family, table);
        if (!there || !*there) continue;
        log_.info("Deleting old ip{} {} table", family == Family::V6 ? "6" : "", table);
        netlink::VipFilter old;
        old.family = family;
        old.table = table;
        drop(old);
    }
}

void VrrpFirewall::set_vmacs(std::vector<vrrp::IndexedDevice> vmacs) {
    vmacs_ = std::move(vmacs);
    apply();
}

void VrrpFirewall::guard(const config::Instance& instance) {
    if (kind_ == vrrp::Firewall::None || !vrrp::refuses_packets(instance)) return;
    log_.debug("({}) setting firewall drop rule", instance.name);
    for (auto& held : vrrp::held_addresses(instance))
        if (std::ranges::find(held_, held) == held_.end()) held_.push_back(std::move(held));
    apply();
}

void VrrpFirewall::release(const std::vector<vrrp::HeldAddress>& addresses) {
    const auto gone =
        std::erase_if(held_, [&](const auto& held) { return std::ranges::find(addresses, held) != addresses.end(); });
    if (gone > 0) apply();
}

void VrrpFirewall::guard_only(const vrrp::Router& router, std::vector<vrrp::IndexedDevice> vmacs) {
    held_.clear();
    const auto snapshot = router.snapshot();
    const auto& instances = router.config().instances;
    for (std::size_t id = 0; id < std::min(snapshot.instances.size(), instances.size()); ++id)
        if (snapshot.instances[id].owns_addresses && vrrp::refuses_packets(instances[id]))
            std::ranges::move(vrrp::held_addresses(instances[id]), std::back_inserter(held_));
    set_vmacs(std::move(vmacs));
    check();  // a reload repairs changes by other programs itself, not some time after it
}

void VrrpFirewall::apply_at_once() {
    if (std::exchange(deferred_, false)) apply();
}

vrrp::FilterPlan VrrpFirewall::plan(const std::vector<vrrp::HeldAddress>& held) const {
    return vrrp::plan_filters(*config_, held, vmacs_, [this](const std::string& name) {
        const auto* link = links_.find(name);
        return link == nullptr ? 0U : link->index;
    });
}

// iptables cannot be waited for, so its rules are there before the addresses are: an address that is not set gets no
// packets that they could drop.
vrrp::FilterState VrrpFirewall::iptables_state() const {
    std::vector<vrrp::HeldAddress> all;
    for (const auto& instance : config_->instances)
        if (vrrp::refuses_packets(instance)) std::ranges::move(vrrp::held_addresses(instance), std::back_inserter(all));
    vrrp::FilterState state{
        .names = vrrp::iptables_names(*config_, runtime_.options().net_namespace), .plan = plan(all), .devices = {}};
    for (const auto& vmac : vmacs_)
        if (const auto name = kernel::interface_name(vmac.index); !name.empty())
            state.devices.emplace_back(vmac.index, name);
    return state;
}

void VrrpFirewall::apply_iptables_anew() {
    iptables_done_.reset();
    apply();
}

void VrrpFirewall::apply_iptables(const vrrp::FilterState& wanted) {
    for (const auto& call : vrrp::filter_calls(iptables_done_ ? &*iptables_done_ : nullptr, wanted)) run(call);
    iptables_done_ = wanted;
}

// The supervisor runs iptables and ipset, which need root and take time.
void VrrpFirewall::run(const vrrp::FilterCall& arguments) {
    runtime_.run_script(alert::kFirewallKey, arguments, alert::kFirewallKey, [this, arguments](const auto& result) {
        if (result.how == ipc::ScriptResult::How::Exited && result.status == 0) return;
        log_.error("vrrp_iptables: a change of the rules failed ({})", fmt::join(arguments, " "));
    });
}

void VrrpFirewall::apply() {
    if (kind_ == vrrp::Firewall::Iptables) return apply_iptables(iptables_state());
    if (deferred_ || kind_ != vrrp::Firewall::Nftables || !nftables_) return;
    const auto wanted = plan(held_);
    apply(done_.v4, wanted.v4);
    apply(done_.v6, wanted.v6);
}

void VrrpFirewall::apply(netlink::VipFilter& done, const netlink::VipFilter& wanted) {
    if (done == wanted) return;
    if (!done.empty() && done.table != wanted.table) drop(done);  // a table of that name may be another daemon's
    bool good = false;
    if (wanted.empty()) {
        if (!done.empty()) drop(done);
        good = true;
    } else if (!done.empty() && done.same_rules(wanted)) {
        auto batch = nftables_->begin();
        netlink::append_filter_change(batch, done, wanted);
        // A failed commit means that another program has changed the table: write it again.
        good = nftables_->commit(batch).has_value();
        if (good) complained_ = false;
    }
    if (good || replace(wanted)) done = wanted;
}

bool VrrpFirewall::replace(const netlink::VipFilter& wanted) {
    auto batch = nftables_->begin();
    netlink::append_filter(batch, wanted);
    const auto done = nftables_->commit(batch);
    if (done)
        complained_ = false;
    else
        complain(done.error());
    return done.has_value();
}

void VrrpFirewall::drop(const netlink::VipFilter& filter) {
    if (!nftables_) return;
    auto batch = nftables_->begin();
    netlink::append_table_removal(batch, filter.family, filter.table);
    if (const auto done = nftables_->commit(batch); !done)
        log_.warning("the nftables table {} cannot be removed: {}", filter.table, done.error().text());
}

void VrrpFirewall::check() {
    if (deferred_ || !nftables_) return;
    for (const auto* filter : {&done_.v4, &done_.v6}) {
        if (filter->empty()) continue;
        const auto same = nftables_->looks_like(*filter);
        if (!same || *same) continue;  // an interrupted query is repeated at the next change
        ++repairs_;
        log_.warning("nftables table ip{} {} was changed by another program: restored",
                     filter->family == Family::V6 ? "6" : "", filter->table);
        (void)replace(*filter);
    }
}

void VrrpFirewall::close(bool keep) {
    if (nftables_ && !keep)
        for (const auto* filter : {&done_.v4, &done_.v6})
            if (!filter->empty()) drop(*filter);
    if (iptables_done_ && !keep) apply_iptables({.names = iptables_done_->names, .plan = {}, .devices = {}});
    watch_.stop();
    nftables_.reset();
    kind_ = vrrp::Firewall::None;
}

}  // namespace mainstay::role
