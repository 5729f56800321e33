#include "mainstay/role/snmp/role.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <optional>

#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/host_facts.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "role/common/blocks.hpp"
#include "role/common/instance_requests.hpp"
#include "session.hpp"

namespace mainstay::role {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using report::Oid;
using report::SnmpFacts;
using report::SnmpLink;
using report::SnmpParts;
using report::SnmpTrap;
using report::SnmpValue;
using report::SnmpView;

constexpr std::chrono::milliseconds kTick{250};       // between looks for new events, which are sent as traps
constexpr std::chrono::milliseconds kViewLives{500};  // values are at most this old
constexpr std::chrono::seconds kSetTakesEffect{1};    // in the vrrp role, which then says so
constexpr std::size_t kMacBytes = 6;

IpAddress address_of(const sockaddr& socket) {
    if (socket.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &socket, sizeof v4);
        return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &socket, sizeof v6);
    return IpAddress::v6(std::span<const std::byte, 16>{std::as_bytes(std::span{v6.sin6_addr.s6_addr})});
}

std::map<std::string, SnmpLink> read_links() {
    std::map<std::string, SnmpLink> links;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return links;
    for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
        // Of an IPv4 address it is the label, "eth0:1".
        const std::string_view label = entry->ifa_name;
        auto& link = links[std::string{label.substr(0, label.find(':'))}];
        if (entry->ifa_addr == nullptr) continue;
        if (entry->ifa_addr->sa_family == AF_PACKET) {
            sockaddr_ll packet{};
            std::memcpy(&packet, entry->ifa_addr, sizeof packet);
            link.index = static_cast<std::uint32_t>(packet.sll_ifindex);
            if (packet.sll_halen == kMacBytes)
                link.mac.assign(reinterpret_cast<const char*>(packet.sll_addr), kMacBytes);
        } else if (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6) {
            link.addresses.push_back(address_of(*entry->ifa_addr));
        }
    }
    ::freeifaddrs(list);
    return links;
}

class SnmpRole final : public Role {
public:
    SnmpRole(Runtime& runtime, SnmpSession& session)
        : runtime_{runtime}, session_{session}, tick_{runtime.loop()}, started_{runtime.wall()} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override {
        next_ = std::move(next);
        return {};
    }
    void commit() override;
    void abort() override { next_.reset(); }
    void stop(std::function<void()> done) override;

private:
    [[nodiscard]] SnmpParts parts_of(const config::Config& config) const {
        return report::snmp_parts(config, runtime_.options().snmp, runtime_.options().snmp_socket);
    }
    [[nodiscard]] SnmpFacts facts() const {
        return {planned_,    status_,         lvs_,     links_,     version_,
                router_id(), runtime_.wall(), started_, histories_, runtime_.options().net_namespace,
                former_};
    }
    [[nodiscard]] std::string router_id() const {
        return config_.global.router_id.empty() ? kernel::host_name() : config_.global.router_id;
    }
    void use(config::Config config);
    void follow_sets();
    Result<void> map_sources();
    const SnmpView& view();
    void refresh();
    void set(const Oid& oid, const SnmpValue& value);
    void tick();
    void send_traps();
    void send(const std::vector<SnmpTrap>& traps);
    void watch();
    void wait(asio::posix::stream_descriptor& descriptor);
    [[noreturn]] void exit_to_reconnect(const char* why);

    Runtime& runtime_;
    SnmpSession& session_;
    asio::steady_timer tick_;
    WallTime started_;
    std::string version_;
    config::Config config_;                         // including values set over SNMP
    std::vector<config::Instance> read_instances_;  // without them
    std::vector<report::SetValue> set_, just_set_;  // which they are; those that the state may not have yet
    Instant just_set_until_{};
    config::Config planned_;  // with the devices that the instances make
    std::optional<config::Config> next_;
    std::vector<config::VirtualServer> former_;  // before the last reload, which removed or changed them
    SnmpParts parts_;
    std::optional<ipc::EventRing> ring_, lvs_ring_;
    std::optional<ipc::StateBlock> block_, lvs_block_;
    report::VrrpStatus status_;
    report::LvsStatus lvs_;
    std::map<std::string, SnmpLink> links_;
    std::map<std::string, report::InstanceHistory> histories_;
    SnmpView view_;
    Instant viewed_{};
    std::uint64_t read_ = 0, sent_ = 0, lvs_read_ = 0, lvs_sent_ = 0;
    std::map<int, asio::posix::stream_descriptor> watched_;
};

Result<void> SnmpRole::map_sources() {
    const auto map = [](std::optional<ipc::EventRing>& ring, int ring_fd, std::optional<ipc::StateBlock>& block,
                        int block_fd) -> Result<void> {
        auto events = ipc::EventRing::map(ring_fd, false);
        if (!events) return error_of(events);
        ring.emplace(std::move(*events));
        auto state = ipc::StateBlock::map(block_fd, false);
        if (!state) return error_of(state);
        block.emplace(std::move(*state));
        return {};
    };
    if (auto vrrp = map(ring_, ipc::inherited::kVrrpRing, block_, ipc::inherited::kVrrpBlock); !vrrp) return vrrp;
    return map(lvs_ring_, ipc::inherited::kLvsRing, lvs_block_, ipc::inherited::kLvsBlock);
}

Result<void> SnmpRole::start(config::Config config, bool restarted) {
    if (!session_.connected()) {
        if (!restarted)
            runtime_.log().warning("SNMP: no AgentX master at {}; retrying", runtime_.options().snmp_socket.empty()
                                                                                 ? "net-snmp's usual socket"
                                                                                 : runtime_.options().snmp_socket);
        ::_exit(kSnmpAgain);
    }
    if (auto mapped = map_sources(); !mapped) return mapped;
    use(std::move(config));
    parts_ = parts_of(config_);
    version_ = Identity{runtime_.options().log_ident.starts_with("Keepalived")}.program_and_version(MAINSTAY_VERSION);
    runtime_.log().info("SNMP: connected to the AgentX master");
    session_.serve(report::snmp_roots(parts_),
                   {.view = [this]() -> const SnmpView& { return view(); },
                    .may_set = [this](const Oid& oid, const SnmpValue& value) -> std::expected<void, SnmpRefusal> {
                        const auto wanted = snmp_set(config_, oid, value);
                        if (!wanted) return error_of(wanted);
                        return {};
                    },
                    .set = [this](const Oid& oid, const SnmpValue& value) { set(oid, value); }});
    if (restarted) {  // earlier events were sent as traps by the process before
        for (auto batch = ring_->read_after(0); !batch.events.empty(); batch = ring_->read_after(sent_)) {
            for (const auto& event : batch.events) report::update_histories(histories_, event);
            sent_ = batch.last;
        }
        for (auto batch = lvs_ring_->read_after(0); !batch.events.empty(); batch = lvs_ring_->read_after(lvs_sent_))
            lvs_sent_ = batch.last;
    }
    tick();
    return {};
}

template <class Status>
void read_newest(const ipc::StateBlock& block, std::uint64_t& read, Status& status) {
    const auto newest = block.sequence();
    if (newest == read) return;
    const auto bytes = block.read();
    auto decoded = bytes ? decode<Status>(*bytes) : error_of(bytes);
    if (!decoded) return;
    if constexpr (std::is_same_v<Status, report::LvsStatus>) fill_in_omitted(*decoded);
    status = std::move(*decoded);
    read = newest;
}

// The state that the events of one moment lead to may come after them: the next one is counted with this one.
void take_in(const Event& event, report::LvsStatus& lvs) {
    // Those of a stop are snmp_stop_traps(), from the state before it.
    if (event.kind != Event::Kind::RealServer || !event.notify || event.cause == Cause::Stop) return;
    const auto service = std::ranges::find(lvs.services, event.parent, &report::ServiceStatus::name);
    if (service == lvs.services.end()) return;
    for (auto& server : service->servers)
        if (server.name == event.name) server.alive = event.transition == Transition::Up;
}

std::vector<config::VirtualServer> services_missing_in(const config::Config& next,
                                                       std::vector<config::VirtualServer> services) {
    std::map<std::string, const config::VirtualServer*> there;
    for (const auto& service : next.virtual_servers) there.emplace(config::service_name(service), &service);
    std::erase_if(services, [&](const config::VirtualServer& service) {
        const auto found = there.find(config::service_name(service));
        return found != there.end() && found->second->real_servers == service.real_servers;
    });
    return services;
}

void SnmpRole::use(config::Config config) {
    config_ = std::move(config);
    read_instances_ = config_.instances;
    just_set_.clear();
    set_.clear();
    planned_ = vrrp::plan_devices(config_, {}).config;
}

// What counts is what the vrrp role says: it outlives this process, and forgets what was set when it dies itself. But a
// manager that asks at once is to see what it has set.
void SnmpRole::follow_sets() {
    if (!just_set_.empty() && runtime_.now() >= just_set_until_) {
        just_set_.clear();
        read_ = 0;  // the priorities, without those below
        read_newest(*block_, read_, status_);
    }
    auto values = status_.set;
    for (const auto& one : just_set_) {
        put(values, one);
        if (one.what != static_cast<std::uint8_t>(ipc::ControlRequest::What::SetPriority)) continue;
        for (auto& instance : status_.router.instances)
            if (instance.name == one.instance) instance.base_priority = static_cast<std::uint8_t>(one.value);
    }
    if (values == set_) return;
    set_ = std::move(values);
    config_.instances = read_instances_;
    for (const auto& one : set_) {
        const auto id = instance_of(config_, one.instance);
        const ipc::ControlRequest wanted{.what = static_cast<ipc::ControlRequest::What>(one.what), .value = one.value};
        if (!id) continue;
        if (auto changed = with_requested_change(config_, *id, wanted)) config_ = std::move(*changed);
    }
    planned_ = vrrp::plan_devices(config_, {}).config;
}

void SnmpRole::commit() {
    if (!next_) return;
    send_traps();
    const auto parts = parts_of(*next_);
    former_ = services_missing_in(*next_, std::move(config_.virtual_servers));
    use(std::move(*next_));
    next_.reset();
    viewed_ = {};
    // Subtrees and the socket can be registered only once per process: other ones need a new process.
    if (parts.socket != parts_.socket || report::snmp_roots(parts) != report::snmp_roots(parts_)) ::_exit(kSnmpAgain);
    parts_ = parts;
}

void SnmpRole::stop(std::function<void()> done) {
    send_traps();
    read_newest(*lvs_block_, lvs_read_, lvs_);
    send(report::snmp_stop_traps(parts_, facts()));
    tick_.cancel();
    watched_.clear();
    session_.process();
    done();
}

// ---- values ----

const SnmpView& SnmpRole::view() {
    const bool follows_set = runtime_.now() < just_set_until_ && block_->sequence() != read_;
    if (viewed_ != Instant{} && !follows_set && runtime_.now() - viewed_ < kViewLives) return view_;
    refresh();
    view_ = report::snmp_view(parts_, facts());
    viewed_ = runtime_.now();
    return view_;
}

void SnmpRole::refresh() {
    links_ = read_links();
    read_newest(*block_, read_, status_);
    follow_sets();
    read_newest(*lvs_block_, lvs_read_, lvs_);
}

void SnmpRole::set(const Oid& oid, const SnmpValue& value) {
    const auto wanted = snmp_set(config_, oid, value);
    if (!wanted) return;
    put(just_set_, set_value_of(*wanted));
    just_set_until_ = runtime_.now() + kSetTakesEffect;
    runtime_.send(*wanted);
    follow_sets();
    viewed_ = {};
}

// ---- traps ----

void SnmpRole::tick() {
    send_traps();
    if (!session_.connected()) exit_to_reconnect("the connection to the AgentX master is lost");
    session_.process();
    watch();
    tick_.expires_after(kTick);
    tick_.async_wait([this](error_code ec) {
        if (!ec) tick();
    });
}

void SnmpRole::send_traps() {
    if (!ring_) return;
    const auto batch = ring_->read_after(sent_);
    if (!batch.events.empty() || batch.lost > 0) {
        if (batch.lost > 0)
            runtime_.log().error("SNMP: {} transitions were overwritten before their traps", batch.lost);
        links_ = read_links();
        for (const auto& event : batch.events) {
            report::update_histories(histories_, event);
            send(report::snmp_traps(parts_, facts(), event));
        }
        sent_ = batch.last;
    }
    const auto servers = lvs_ring_->read_after(lvs_sent_);
    if (!servers.events.empty()) read_newest(*lvs_block_, lvs_read_, lvs_);
    for (const auto& event : servers.events) {
        send(report::snmp_checker_traps(parts_, facts(), event));
        take_in(event, lvs_);
    }
    lvs_sent_ = servers.events.empty() ? lvs_sent_ : servers.last;
    if (!parts_.traps || !(parts_.rfc_v2 || parts_.rfc_v3) || block_->sequence() == read_) return;
    const auto before = status_;
    const bool first = read_ == 0;
    refresh();
    if (!first) send(report::snmp_packet_traps(parts_, facts(), before));
}

void SnmpRole::send(const std::vector<SnmpTrap>& traps) {
    for (const auto& trap : traps) session_.notify(trap);
}

// The library opens and closes descriptors at any time: each is monitored until the library no longer lists it.
void SnmpRole::watch() {
    const auto wanted = session_.descriptors();
    std::erase_if(watched_, [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
    for (const int fd : wanted) {
        const auto [entry, added] = watched_.try_emplace(fd, runtime_.loop());
        if (!added) continue;
        error_code ec;
        entry->second.assign(::dup(fd), ec);
        if (!ec) wait(entry->second);
    }
}

void SnmpRole::wait(asio::posix::stream_descriptor& descriptor) {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this, &descriptor](error_code ec) {
        if (ec) return;
        session_.process();
        if (!session_.connected()) exit_to_reconnect("the connection to the AgentX master is lost");
        wait(descriptor);
    });
}

void SnmpRole::exit_to_reconnect(const char* why) {
    runtime_.log().warning("SNMP: {}; reconnecting", why);
    ::_exit(kSnmpAgain);
}

}  // namespace

int run_snmp() {
    std::unique_ptr<SnmpSession> session;
    const RoleTraits traits{.capabilities = {},
                            .calls = {kernel::CallSet::WriteFiles, kernel::CallSet::Schedule},
                            .kind = Kind::Snmp,
                            .has_ring = false,
                            .while_root = [&](const ipc::RoleStartup& startup, Log& log) {
                                session = SnmpSession::open(startup.snmp_socket, log);
                            }};
    return run_role(traits, [&](Runtime& runtime) { return std::make_unique<SnmpRole>(runtime, *session); });
}

}  // namespace mainstay::role
