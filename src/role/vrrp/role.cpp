#include "mainstay/role/vrrp/role.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "addresses.hpp"
#include "announcer.hpp"
#include "devices.hpp"
#include "firewall.hpp"
#include "hand_over_commands.hpp"
#include "incoming_facts.hpp"
#include "links.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/record/recorded.hpp"
#include "master_reporter.hpp"
#include "precise_timer.hpp"
#include "resumed.hpp"
#include "role/common/blocks.hpp"
#include "role/common/flight_recorder.hpp"
#include "role/common/instance_requests.hpp"
#include "role/common/peer_channel.hpp"
#include "role/common/process.hpp"
#include "routing.hpp"
#include "state_writer.hpp"
#include "takeover.hpp"
#include "transport.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

// One round over the sockets reads at most this many packets before the loop does anything else, so that a flood cannot
// delay our adverts.
constexpr std::size_t kPacketsPerRound = 4096;
constexpr std::chrono::milliseconds kPublishEvery{200};  // counters and deadlines; transitions are published at once
// A publish delays the adverts that are due meanwhile: those that only bring counters up to date look for a moment in
// which none is, and take at most a 500th of the time.
constexpr PublishPacer::Shares kPublishShares{.urgent = 20, .usual = 500};

class VrrpRole final : public Role {
public:
    explicit VrrpRole(Runtime& runtime)
        : runtime_{runtime},
          devices_{runtime.log()},
          firewall_{runtime, links_},
          transport_{runtime.loop(), runtime.log(), [this] { on_packets_readable(); }},
          routing_{runtime.loop(), runtime.log(), [this](vrrp::Fact fact) { give(std::move(fact)); }},
          bfd_{runtime.loop(), runtime.log(),
               [this](const ipc::BfdState& session) { give(vrrp::BfdFact{session.name, session.up}); }},
          timer_{runtime.loop(), [this] { ahead_of_deadline(); }, [this] { return transport_.waits(); },
                 [this](Instant deadline) { return router_->router().is_tight(deadline); }, [this] { deadline(); }},
          publisher_{
              runtime.loop(), kPublishShares, [this] { write_state(); },
              [this](Nanos time) { return router_->deadline().value_or(Instant::max()) < runtime_.now() + time; }} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override {
        next_ = std::move(next);
        return {};
    }
    void commit() override;
    void abort() override { next_.reset(); }
    void on(const ipc::Message& message, UniqueFd descriptor) override;
    void stop(std::function<void()> done) override;
    void save_state() override { publisher_.now(); }

private:
    // Steps the router now, or after the intents that are being carried out. Facts from before the first configuration
    // wait.
    void give(vrrp::Fact fact) {
        if (performing_ || !router_)
            pending_.add(std::move(fact));
        else if (!stopping_)
            step(fact);
    }
    void asked(const ipc::ControlRequest& wanted);
    void instances(const ipc::InstanceQuestion& question);
    void maintain(const ipc::MaintenanceOrder& order);
    void step(const vrrp::Fact& fact) { perform(router_->step(fact, runtime_.now())); }
    void perform(const vrrp::Intents& intents);
    void carry_out(const vrrp::Intent& intent);
    void add(vrrp::InstanceId id, const std::vector<std::size_t>& positions);
    void take_over(vrrp::InstanceId id);
    void remove(const std::vector<vrrp::HeldAddress>& addresses);
    void take_away(const std::vector<vrrp::HeldAddress>& addresses);
    void restore(const vrrp::RestoreAddress& wanted);

    // The sequence numbers of authenticated packets come from the calendar clock, which may be set at any time.
    void update_clock() { router_->update_clock(runtime_.wall(), runtime_.now()); }
    void on_packets_readable();
    void arm();
    void ahead_of_deadline();
    void deadline();
    void watch_netlink();
    void on_netlink_readable();
    [[nodiscard]] Links::Change take_notifications();
    void reconcile_devices();
    void size_buffers(const config::Global& global);
    [[nodiscard]] vrrp::HostFacts follow(const config::Config& config);
    void publish(bool at_once);
    void write_state();

    Runtime& runtime_;
    std::optional<kernel::Rtnetlink> netlink_;
    std::uint64_t overruns_ = 0;
    std::optional<asio::posix::stream_descriptor> netlink_ready_;
    Links links_;
    std::set<std::string> interfaces_;  // of the running configuration
    VrrpSources sources_;
    VrrpDevices devices_;
    VrrpFirewall firewall_;
    VrrpTransport transport_;
    Announcer announcer_{runtime_.loop(), transport_, links_, runtime_.log(), [this] { return runtime_.now(); }};
    TakeOver addresses_{runtime_.loop(), links_, announcer_, runtime_.log()};
    VrrpRouting routing_;
    BfdStateReceiver bfd_;
    MasterReporter master_reporter_{runtime_.loop(), runtime_.log()};
    FlightRecorder<record::Recorder> recorder_{runtime_};
    std::optional<record::RecordedRouter> router_;
    PrecomputedTakeover precomputed_{addresses_, transport_, links_};
    std::optional<config::Config> next_;
    PreciseTimer timer_;
    PublishPacer publisher_;
    bool performing_ = false, stopping_ = false;
    WaitingFacts pending_;                     // facts that arose while intents were carried out
    std::vector<vrrp::HeldAddress> removing_;  // removals that this process caused
    StateWriter writer_;
    ipc::MaintenanceOrder maintenance_;
    HandOverCommands commands_{[this](auto request, const auto& reply) { runtime_.answer(request, reply); }};
};

Result<void> VrrpRole::start(config::Config config, bool restarted) {
    auto netlink = kernel::Rtnetlink::open();
    if (!netlink) return error_of(netlink);
    netlink_.emplace(std::move(*netlink));
    size_buffers(config.global);
    if (auto read = links_.refresh(*netlink_); !read) return error_of(read);
    netlink_ready_.emplace(runtime_.loop(), netlink_->notification_fd());
    watch_netlink();

    const auto previous = left_by_crash(runtime_, restarted);
    if (previous) devices_.adopt(*previous);
    const auto planned = std::make_shared<const config::Config>(devices_.plan(std::move(config), links_));
    if (!restarted && runtime_.options().adopt) devices_.adopt_found();
    devices_.before_up([this] { firewall_.set_vmacs(devices_.vmacs()); });
    firewall_.configure(planned, !devices_.wanted().empty(), previous.has_value());
    reconcile_devices();
    devices_.drop_unwanted(links_, *netlink_);

    if (auto opened = routing_.follow(*planned); !opened) return error_of(opened);
    router_.emplace(vrrp::Router{planned}, recorder_.open([this] { return runtime_.wall(); }));
    const auto host = follow(*planned);
    step(host);
    if (previous) writer_.adopt(*previous);
    if (maintenance_.on) step(vrrp::Maintenance{true});
    const auto state = state_to_go_on_from(runtime_, restarted, previous, *planned, host);
    perform(router_->start(runtime_.now(), state ? &*state : nullptr));
    if (previous) publish_resumed(runtime_, previous->router, router_->snapshot());
    master_reporter_.follow(*router_);
    if (previous) firewall_.guard_only(*router_, devices_.vmacs());
    firewall_.apply_at_once();
    return {};
}

void VrrpRole::size_buffers(const config::Global& global) {
    size_netlink_buffer(netlink_->command_fd(), global, config::kVrrpCommandBuffer, runtime_.log());
    size_netlink_buffer(netlink_->notification_fd(), global, config::kVrrpMonitorBuffer, runtime_.log());
}

void VrrpRole::commit() {
    if (!next_) return;
    const auto next = std::make_shared<const config::Config>(devices_.plan(*std::exchange(next_, {}), links_));
    size_buffers(next->global);
    firewall_.configure(next, !devices_.wanted().empty(), false);
    update_clock();
    const Instant now = runtime_.now();
    const auto farewells = router_->router().farewells(*next, now);
    for (const auto& advert : farewells) transport_.send(advert, links_);
    reconcile_devices();  // which may give another instance the devices of those that are removed
    if (auto opened = routing_.follow(*next); !opened) runtime_.log().error("{}", opened.error().text());
    // What fails here is set again, and logged, with the rest.
    if (const auto sources = first_sources(*next, links_); !sources.empty() && netlink_->add(sources))
        on_netlink_readable();
    const auto host = follow(*next);
    auto intents = router_->reload(next, host, now);
    for (const auto& advert : farewells) std::erase(intents, vrrp::Intent{advert});
    perform(intents);
    master_reporter_.follow(*router_);
    commands_.follow(*router_);
    devices_.drop_unwanted(links_, *netlink_);
    firewall_.guard_only(*router_, devices_.vmacs());
    for (const auto& event : states_after_reload(next->global, router_->snapshot())) runtime_.write_fifo(event);
    publish(true);
}

void VrrpRole::on(const ipc::Message& message, UniqueFd descriptor) {
    std::visit(Overloaded{
                   [&](const ipc::ControlRequest& m) { asked(m); },
                   [&](const ipc::InstanceQuestion& m) { instances(m); },
                   [&](const ipc::MaintenanceOrder& m) { maintain(m); },
                   [&](const ipc::PeerChannel& m) {
                       const bool lvs = m.to == ipc::PeerChannel::To::Lvs;
                       lvs ? master_reporter_.connect(std::move(descriptor)) : bfd_.connect(std::move(descriptor));
                   },
                   [&](const ipc::Observations& m) {
                       for (auto& fact : facts_of(m, links_)) give(std::move(fact));
                   },
                   [](const auto&) {},
               },
               message);
}

void VrrpRole::asked(const ipc::ControlRequest& wanted) {
    const auto id = instance_of(router_->config(), wanted.instance);
    if (!id) return runtime_.log().warning("{} requests an unknown instance {}", wanted.by, wanted.instance);
    if (wanted.what == ipc::ControlRequest::What::SendGarp) {
        runtime_.log().info("Sending garps on {} on {} request", wanted.instance, wanted.by);
        if (router_->snapshot().instances.at(*id).state != vrrp::State::Master) return;
        return carry_out(vrrp::SendGratuitousArp{.instance = *id, .rounds = 1});
    }
    const auto changed = with_requested_change(router_->config(), *id, wanted);
    if (!changed) return runtime_.log().warning("({}) {} requests an invalid change", wanted.instance, wanted.by);
    runtime_.log().notice("({}) {} on {} request", wanted.instance, request_text(wanted), wanted.by);
    writer_.set(wanted);
    perform(router_->reload(*changed, runtime_.now()));
    publish(true);
}

void VrrpRole::instances(const ipc::InstanceQuestion& question) {
    const auto fact = commands_.take(question, *router_);
    if (!fact) return;
    runtime_.log().notice("failover{} of {} requested ({})",
                          std::holds_alternative<vrrp::FailBack>(*fact) ? " --back" : "", question.which, question.by);
    step(*fact);
    commands_.all_given();
}

void VrrpRole::maintain(const ipc::MaintenanceOrder& order) {
    maintenance_ = order;
    if (!router_) return;
    commands_.take(order, *router_);
    step(vrrp::Maintenance{order.on});
    commands_.all_given();
    publish(true);
}

void VrrpRole::stop(std::function<void()> done) {
    stopping_ = true;
    if (router_) {
        step(vrrp::Shutdown{});
        if (!runtime_.options().keep_addresses) devices_.remove_all(links_);
        firewall_.close(runtime_.options().keep_addresses);
        publisher_.now();
    }
    timer_.cancel();
    publisher_.stop();
    if (netlink_ready_) netlink_ready_->release();
    announcer_.close();
    transport_.close();
    bfd_.close();
    master_reporter_.close();
    routing_.close();
    asio::post(runtime_.loop(), std::move(done));
}

void VrrpRole::perform(const vrrp::Intents& intents) {
    precomputed_.forget();  // it was computed from the state before this fact
    bool transition = false;
    const bool outermost = !std::exchange(performing_, true);
    for (const auto& intent : intents) {
        carry_out(intent);
        transition = transition || std::holds_alternative<vrrp::AddAddresses>(intent) ||
                     std::holds_alternative<vrrp::RemoveAddresses>(intent) ||
                     std::holds_alternative<vrrp::Announce>(intent);
    }
    if (!outermost) return publish(transition);
    // Facts caused by our own actions (an address that could not be restored) are handled after them.
    for (bool first = true;; first = false) {
        if (pending_.has_interfaces()) on_netlink_readable();  // those with lost addresses may have changed again since
        if (pending_.empty()) break;
        // While interfaces go down one after the other, facts cause facts for seconds: adverts that are due go first.
        if (const auto due = router_->deadline(); !first && !stopping_ && due && *due <= runtime_.now()) {
            on_packets_readable();
            step(vrrp::DeadlineReached{});
        }
        for (const auto& fact : gathered(pending_.take())) step(fact);
    }
    performing_ = false;
    publish(transition);
    addresses_.retry_later(kRefusedAgain, [this] {
        if (!stopping_) addresses_.retry(*netlink_, router_->router());
        publish(true);
    });
    arm();
}

void VrrpRole::carry_out(const vrrp::Intent& intent) {
    std::visit(Overloaded{
                   [&](const vrrp::SendAdvert& i) { transport_.send(i, links_); },
                   [&](const vrrp::AddAddresses& i) { i.announced ? take_over(i.instance) : add(i.instance, {}); },
                   [&](const vrrp::RemoveAddresses& i) { remove(i.addresses); },
                   [&](const vrrp::ChangeAddresses& i) {
                       remove(i.removed);
                       if (!i.added.empty()) add(i.instance, i.added);
                   },
                   [&](const vrrp::RestoreAddress& i) { restore(i); },
                   [&](const vrrp::SendGratuitousArp& i) {
                       const auto& instance = router_->config().instances.at(i.instance);
                       announcer_.announce(addresses_.accepted(instance), i.rounds, i.begun);
                   },
                   [&](const vrrp::AnnounceAddress& i) { announcer_.announce(i); },
                   [&](const vrrp::SetRouting& i) { routing_.set(i, links_); },
                   [&](const vrrp::RemoveRouting& i) {
                       if (!stopping_ || !runtime_.options().keep_addresses) routing_.remove(i, links_);
                   },
                   [&](const vrrp::SetStaticAddresses& i) { routing_.set_static(i, links_, *netlink_); },
                   [&](const vrrp::RunScript& i) {
                       runtime_.run_script(alert::track_script_key(i.script), {}, {},
                                           [this, i](const ipc::ScriptResult& result) {
                                               if (!stopping_) give(writer_.script_ended(i, result));
                                           });
                   },
                   [&](const vrrp::Announce& i) {
                       runtime_.publish(i.event);
                       master_reporter_.on_event(i.event);
                   },
                   [&](const vrrp::HandOverEnded& i) { commands_.on_ended(i); },
                   [&](const vrrp::WriteLog& i) { runtime_.log().line(i.line); },
               },
               intent);
}

// All addresses of the instance, or those at `positions` (in config::all_addresses()).
void VrrpRole::add(vrrp::InstanceId id, const std::vector<std::size_t>& positions) {
    const auto& instance = router_->config().instances.at(id);
    firewall_.guard(instance);
    addresses_.set_silently(*netlink_, instance, positions);
}

void VrrpRole::take_over(vrrp::InstanceId id) {
    const auto& instance = router_->config().instances.at(id);
    firewall_.guard(instance);
    addresses_.set(*netlink_, instance);
}

// The kernel has queued the notifications of our own removals by the time it answers; reading them right here
// distinguishes them from removals by other programs.
void VrrpRole::remove(const std::vector<vrrp::HeldAddress>& addresses) {
    if (stopping_ && runtime_.options().keep_addresses) return;
    take_away(addresses);
    firewall_.release(addresses);
}

void VrrpRole::take_away(const std::vector<vrrp::HeldAddress>& addresses) {
    on_netlink_readable();
    announcer_.forget(addresses);
    const auto requests = removal_requests(addresses, links_);
    removing_ = addresses;
    const auto failed =
        remove_from_host(*netlink_, requests, links_, runtime_.log(), [this] { on_netlink_readable(); });
    if (!failed)
        runtime_.log().error("removing addresses: {}", failed.error().text());
    else
        for (const auto& failure : *failed)
            runtime_.log().error("address {} cannot be removed{}", requests[failure.index].prefix.to_string(),
                                 Error::system("", failure.sys_errno).text());
    removing_.clear();
}

void VrrpRole::restore(const vrrp::RestoreAddress& wanted) {
    const auto requests = restore_request(router_->config().instances.at(wanted.instance), wanted, links_);
    if (is_duplicate(requests, links_)) take_away({{wanted.interface, wanted.prefix}});
    if (!set_again(*netlink_, requests, wanted, runtime_.log()))
        pending_.add(vrrp::RestoreFailed{wanted.instance, wanted.interface, wanted.prefix});
}

void VrrpRole::on_packets_readable() {
    if (!router_ || stopping_) return;
    update_clock();
    transport_.drain([this](const vrrp::PacketHeard& packet) { step(packet); }, kPacketsPerRound);
}

void VrrpRole::arm() { timer_.at(stopping_ ? std::nullopt : router_->deadline()); }

// All queues are drained before a deadline fires: a process that was paused reads its master's adverts before it takes
// over. Most of that is done shortly before; packets that arrived since are read at the deadline itself.
void VrrpRole::ahead_of_deadline() {
    if (stopping_) return;
    on_netlink_readable();
    on_packets_readable();
    precomputed_.compute(*router_, *netlink_);
}

void VrrpRole::deadline() {
    if (stopping_) return;
    const auto precomputed = precomputed_.take(*router_);
    if (!precomputed) return step(vrrp::DeadlineReached{});
    perform(precomputed->intents);
    addresses_.forget();
}

void VrrpRole::watch_netlink() {
    netlink_ready_->async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](const boost::system::error_code& error) {
                                   if (error || stopping_) return;
                                   on_netlink_readable();
                                   watch_netlink();
                               });
}

Links::Change VrrpRole::take_notifications() {
    auto change = links_.take_from(*netlink_, runtime_.log());
    if (change.overrun && router_) change.interfaces = interfaces_;
    overruns_ += change.overrun ? 1 : 0;
    return change;
}

// Creates the configured devices and reads their links and addresses.
void VrrpRole::reconcile_devices() {
    for (int round = 0; round < VrrpDevices::kRounds && devices_.keep(links_, *netlink_); ++round)
        if (const auto read = links_.refresh(*netlink_); !read) runtime_.log().error("{}", read.error().text());
}

void VrrpRole::on_netlink_readable() {
    auto change = take_notifications();
    if (!router_ || stopping_ || change.empty()) return;  // the usual case before a deadline
    // A device that another program removed is created again before the router is notified.
    if (!change.interfaces.empty())
        for (int round = 0; round < VrrpDevices::kRounds && devices_.keep(links_, *netlink_); ++round)
            change.merge(take_notifications());
    std::erase_if(change.interfaces, [&](const std::string& name) { return !interfaces_.contains(name); });
    if (!change.interfaces.empty()) transport_.follow(router_->config(), links_, &change.interfaces);
    auto facts = facts_of(change.interfaces, links_);
    for (const auto& source : sources_.look(router_->config())) facts.emplace_back(source);  // on any interface
    for (auto& fact : gathered(std::move(facts))) give(std::move(fact));
    announcer_.announce_on(change.other_mac, *router_);
    for (const auto& duplicate : change.duplicates) give(duplicate);
    for (const auto& lost : change.lost) {
        const auto held = vrrp::HeldAddress{lost.interface, lost.address};
        if (std::ranges::find(removing_, held) == removing_.end() && links_.find(lost.interface) != nullptr) give(lost);
    }
    // The kernel cannot change a label: remove the address and set it again.
    for (const auto& held : wrongly_labelled(change.relabelled, *router_, links_)) {
        take_away({held});
        give(vrrp::AddressLost{held.interface, held.prefix});
    }
}

// Applies the configuration to everything except the router, which gets the returned facts with it.
vrrp::HostFacts VrrpRole::follow(const config::Config& config) {
    vrrp::HostFacts host;
    interfaces_ = interfaces_of(config);
    for (const auto& name : interfaces_) host.interfaces.push_back(links_.fact(name));
    host.sources = sources_.look_anew(config);
    transport_.follow(config, links_);
    announcer_.follow(config);
    update_clock();
    return host;
}

// The state block: transitions at once, those of one moment together, everything else a few times a second.
void VrrpRole::publish(bool at_once) {
    if (!router_) return;
    recorder_.check();
    at_once ? publisher_.at_once() : publisher_.within(kPublishEvery);
}

void VrrpRole::write_state() {
    report::VrrpStatus rest;
    rest.saved_settings = devices_.saved_settings();
    rest.devices = devices_.ours();
    rest.devices_remade = devices_.remade();
    rest.kept_down = devices_.kept_down();
    rest.netlink_overruns = overruns_;
    rest.firewall_repairs = firewall_.repairs();
    rest.refused_addresses = addresses_.refused(router_->config());
    rest.refused_routes = refused_routes(router_->router());
    rest.maintenance = shown_maintenance(maintenance_);
    writer_.write(runtime_, router_->router(), std::move(rest));
}

}  // namespace

RoleTraits vrrp_traits() {
    return {.capabilities = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE},
            .calls = {kernel::CallSet::Schedule},
            .kind = Kind::Vrrp,
            .has_ring = true};
}

std::unique_ptr<Role> make_vrrp_role(Runtime& runtime) { return std::make_unique<VrrpRole>(runtime); }

}  // namespace mainstay::role
