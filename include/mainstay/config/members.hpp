// The members of the configuration model (base/archive.hpp), which is the snapshot for a role and in the flight record.
// tests/ipc/members_test.cpp counts them, so that a new member of the model cannot be forgotten here.
#pragma once

#include "mainstay/base/framed_archive.hpp"
#include "model.hpp"

namespace mainstay::config {

template <class A>
void fields(A& a, Command& c) {
    a(c.argv, c.user, c.group);
}
template <class A>
void fields(A& a, KeywordValue& v) {
    a(v.keyword, v.data);
}
template <class A>
void fields(A& a, Section& s) {
    a(s.keyword, s.names, s.values, s.sections);
}
template <class A>
void fields(A& a, ExtraSettings& m) {
    a(m.values, m.sections);
}
template <class A>
void fields(A& a, MailAddress& m) {
    a(m.address, m.name);
}
template <class A>
void fields(A& a, Global& g) {
    a(g.router_id, g.notification_email, g.notification_email_from, g.smtp_server, g.smtp_port, g.smtp_helo_name,
      g.smtp_connect_timeout, g.smtp_alert, g.smtp_alert_vrrp, g.smtp_alert_checker, g.no_email_faults, g.vrrp_version,
      g.vrrp_strict, g.vrrp_skip_check_adv_addr, g.vrrp_garp_master_delay, g.vrrp_garp_master_repeat,
      g.vrrp_garp_master_refresh, g.vrrp_garp_master_refresh_repeat, g.vrrp_garp_lower_prio_delay,
      g.vrrp_garp_lower_prio_repeat, g.vrrp_garp_interval, g.vrrp_gna_interval, g.vrrp_lower_prio_no_advert,
      g.vrrp_higher_prio_send_advert, g.vrrp_down_timer_adverts, g.vrrp_startup_delay, g.vrrp_mcast_group4,
      g.vrrp_mcast_group6, g.vrrp_rt_priority, g.dynamic_interfaces, g.default_interface, g.script_user, g.script_group,
      g.enable_script_security, g.lvs_flush, g.lvs_flush_on_stop, g.checker_log_all_failures, g.more);
}
template <class A>
void fields(A& a, VirtualAddress& v) {
    a(v.prefix, v.dev, v.label, v.broadcast, v.broadcast_all_ones, v.broadcast_all_zeros, v.scope, v.no_track,
      v.noprefixroute, v.more);
}
template <class A>
void fields(A& a, TrackedInterface& t) {
    a(t.name, t.weight, t.reverse);
}
template <class A>
void fields(A& a, TrackedScript& t) {
    a(t.name, t.weight, t.reverse);
}
template <class A>
void fields(A& a, UnicastPeer& p) {
    a(p.address, p.min_ttl, p.max_ttl);
}
template <class A>
void fields(A& a, Notifies& n) {
    a(n.master, n.backup, n.fault, n.stop, n.any);
}
template <class A>
void fields(A& a, Vmac& v) {
    a(v.enabled, v.name, v.mac, v.group, v.netlink_notify);
}
template <class A>
void fields(A& a, VirtualRoute& r) {
    a(r.destination, r.via, r.dev, r.words, r.more);
}
template <class A>
void fields(A& a, Instance& i) {
    a(i.name, i.interface, i.virtual_router_id, i.priority, i.initial_master, i.version, i.family, i.advert_int,
      i.nopreempt, i.preempt_delay, i.strict, i.skip_check_adv_addr, i.dont_track_primary, i.auth_type, i.auth_pass,
      i.addresses, i.excluded_addresses, i.source, i.unicast_peers, i.multicast_group, i.track_interfaces,
      i.track_scripts, i.garp_master_delay, i.garp_master_repeat, i.garp_master_refresh, i.garp_master_refresh_repeat,
      i.garp_lower_prio_delay, i.garp_lower_prio_repeat, i.lower_prio_no_advert, i.higher_prio_send_advert,
      i.down_timer_adverts, i.sync_group, i.notify, i.smtp_alert, i.vmac, i.routes, i.more);
}
template <class A>
void fields(A& a, SyncGroup& g) {
    a(g.name, g.members, g.track_interfaces, g.track_scripts, g.notify, g.smtp_alert, g.more);
}
template <class A>
void fields(A& a, TrackScript& s) {
    a(s.name, s.command, s.interval, s.timeout, s.weight, s.reverse, s.rise, s.fall, s.init_fail, s.more);
}
template <class A>
void fields(A& a, HttpUrl::Codes& c) {
    a(c.from, c.to);
}
template <class A>
void fields(A& a, HttpUrl& u) {
    a(u.path, u.digest, u.status_codes, u.virtualhost, u.more);
}
template <class A>
void fields(A& a, Checker& c) {
    a(c.type, c.target, c.bind, c.bind_if, c.connect_timeout, c.retry, c.delay_before_retry, c.delay_loop, c.warmup);
    const bool says_more = c.alpha || c.log_all_failures || !c.misc_path.empty() || c.misc_timeout != Micros{0} ||
                           c.misc_dynamic || !c.urls.empty() || !c.http_protocol.empty() || c.enable_sni ||
                           !c.sni_name.empty() || c.more != ExtraSettings{};
    if (!has_trailing_fields(a, says_more)) return;
    a(c.alpha, c.log_all_failures, c.misc_path, c.misc_timeout, c.misc_dynamic, c.urls, c.http_protocol, c.enable_sni,
      c.sni_name, c.more);
}
template <class A>
void fields(A& a, Tunnel& t) {
    a(t.type, t.checksum, t.port);
}
template <class A>
void fields(A& a, GroupEntry& e) {
    a(e.first, e.last, e.port, e.fwmark, e.family);
}
template <class A>
void fields(A& a, GroupMembership& m) {
    a(m.position, m.entries);
}
template <class A>
void fields(A& a, RealServer& r) {
    a(r.endpoint, r.weight, r.forwarding, r.inhibit_on_failure, r.upper_threshold, r.lower_threshold, r.smtp_alert);
    const bool says_more = r.notify_up != Command{} || r.notify_down != Command{} || !r.checkers.empty() ||
                           r.more != ExtraSettings{} || r.tunnel != Tunnel{};
    if (!has_trailing_fields(a, says_more)) return;
    a(r.notify_up, r.notify_down, r.checkers, r.more, r.tunnel);
}
template <class A>
void fields(A& a, SorryServer& s) {
    a(s.endpoint, s.forwarding, s.inhibit, s.tunnel);
}
template <class A>
void fields(A& a, VirtualServer& v) {
    a(v.endpoint, v.fwmark, v.group, v.family, v.protocol, v.scheduler, v.scheduler_flags, v.persistent,
      v.persistence_timeout, v.persistence_netmask, v.delay_loop, v.alpha, v.omega, v.inhibit_on_failure, v.quorum,
      v.hysteresis, v.quorum_up, v.quorum_down, v.smtp_alert, v.sorry_server, v.real_servers, v.more, v.membership,
      v.active_active);
}
template <class A>
void fields(A& a, Config& c) {
    a(c.global, c.scripts, c.instances, c.sync_groups, c.virtual_servers, c.more);
}

// The encoding of a configuration that has only these, with services made one by one while it is written.
template <class F>
struct ServicesOneByOne {
    const Global& global;
    OneByOne<F> services;
};
template <class F>
void fields(Encoder& a, ServicesOneByOne<F>& c) {
    const Config none;
    a(c.global, none.scripts, none.instances, none.sync_groups, c.services, none.more);
}

}  // namespace mainstay::config
