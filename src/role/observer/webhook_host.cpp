#include "webhook_host.hpp"

#include <algorithm>

namespace mainstay::role {
namespace {

std::vector<alert::Webhook> webhooks_of(const ipc::WebhookSettings& settings) {
    std::vector<alert::Webhook> all;
    for (const auto& from : settings.webhooks)
        all.push_back({.name = from.name,
                       .url = from.url,
                       .ca_file = from.ca_file,
                       .headers = from.headers,
                       .body = from.cloud_events ? alert::HookBody::CloudEvents : alert::HookBody::Alertmanager,
                       .kinds = from.kinds,
                       .keep = Seconds{from.keep_seconds},
                       .problem = from.problem});
    return all;
}

// After the start or a reload: later than what began before it has settled, and as long as the lvs process may take.
constexpr std::chrono::seconds kCloseAfter{15}, kCloseWithin{75};
constexpr std::chrono::seconds kAlertSettles{10};  // a state that was published before the event is no evidence

// The names of services and servers, and whether they are well.
std::map<std::string, bool> states_of(const report::LvsStatus& lvs) {
    std::map<std::string, bool> states;
    for (const auto& service : lvs.services) {
        states[service.name] = service.quorum_up;
        for (const auto& server : service.servers) states[server.name + "\n" + service.name] = server.alive;
    }
    return states;
}

// Of an instance or a group. `known`: of the role, if it can be read.
template <class Configured, class Known>
std::optional<Transition> state_of(const std::string& name, const Configured& configured, const Known* known) {
    const auto is_it = [&](const auto& one) { return one.name == name; };
    if (std::ranges::none_of(configured, is_it)) return Transition::Deleted;
    if (known == nullptr) return std::nullopt;
    const auto found = std::ranges::find_if(*known, is_it);
    if (found == known->end() || found->state == vrrp::State::Init) return std::nullopt;
    return vrrp::transition_to(found->state);
}

std::optional<Transition> state_in(const std::map<std::string, bool>& states, const alert::FiringAlert& alert) {
    const auto found = states.find(alert.parent.empty() ? alert.name : alert.name + "\n" + alert.parent);
    if (found == states.end()) return Transition::Deleted;
    return found->second ? std::optional{Transition::Up} : std::nullopt;
}

}  // namespace

Result<void> WebhookHost::start(const ipc::ObserverStatus& previous) {
    settings_ = runtime_.options().webhooks;
    auto transport = alert::HttpTransport::make(runtime_.loop());
    if (!transport) return error_of(transport);
    transport_ = std::move(*transport);
    const std::size_t known = std::min({previous.webhooks.size(), previous.webhooks_sent.size(),
                                        previous.webhooks_failed.size(), previous.webhooks_dropped.size()});
    for (std::size_t i = 0; i < known; ++i)
        before_[previous.webhooks[i]] = {.name = previous.webhooks[i],
                                         .sent = previous.webhooks_sent[i],
                                         .failed = previous.webhooks_failed[i],
                                         .dropped = previous.webhooks_dropped[i],
                                         .problem = {}};
    return {};
}

std::vector<alert::Webhook> WebhookHost::configured() const { return webhooks_of(settings_); }

void WebhookHost::tick(const config::Global& global, const std::string& host_name) {
    sender_ = {.host_name = host_name, .router_id = global.router_id.empty() ? host_name : global.router_id};
    if (!hooks_) {
        if (settings_.webhooks.empty()) return;
        const std::string directory = runtime_.options().spool_directory + "/webhooks";
        auto spool = alert::PostSpool::open(directory, alert::kPostSpoolLimits);
        if (!spool) spool = alert::PostSpool::in_memory(directory, spool.error(), alert::kPostSpoolLimits);
        for (const auto& problem : spool->problems()) runtime_.log().error("webhook spool: {}", problem);
        hooks_.emplace(std::move(*spool), *transport_, runtime_.log_of(LogModule::Webhook), wake_);
    }
    hooks_->configure(configured(), sender_);
    hooks_->settle(runtime_.wall());
}

void WebhookHost::close_alerts(const config::Config& running, std::uint64_t generation, const Blocks& blocks) {
    if (!hooks_) return;
    if (close_for_ != generation) {
        close_for_ = generation;
        close_since_ = runtime_.now();
        closed_ = false;
    }
    const auto since = runtime_.now() - close_since_;
    if (closed_ || since < kCloseAfter) return;
    const bool has_instances = !running.instances.empty(), has_services = !running.virtual_servers.empty();
    std::optional<report::VrrpStatus> instances;
    std::optional<report::LvsStatus> services;
    if (hooks_->firing()) {
        if (has_instances) instances = blocks.vrrp();
        if (has_services) services = blocks.lvs();
        if (instances && instances->generation != generation) instances.reset();
        if (services && services->generation != generation) services.reset();
        // A role does not run this configuration yet.
        if (((has_instances && !instances) || (has_services && !services)) && since < kCloseWithin) return;
    }
    closed_ = true;
    const auto states = services ? states_of(*services) : std::map<std::string, bool>{};
    const bool lvs_known = services || !has_services;
    const auto* const router = instances ? &instances->router : nullptr;
    const WallTime now = runtime_.wall();
    hooks_->close_alerts(
        [&](const alert::FiringAlert& alert) -> std::optional<Transition> {
            if (std::chrono::microseconds{now.unix_us - alert.since.unix_us} < kAlertSettles) return std::nullopt;
            if (alert.kind == Event::Kind::Instance)
                return state_of(alert.name, running.instances, router ? &router->instances : nullptr);
            if (alert.kind == Event::Kind::Group)
                return state_of(alert.name, running.sync_groups, router ? &router->groups : nullptr);
            return lvs_known ? state_in(states, alert) : std::nullopt;
        },
        now);
}

void WebhookHost::take(const std::vector<Event>& events) {
    if (hooks_) hooks_->take(events, runtime_.wall());
}

void WebhookHost::pump() {
    if (hooks_) hooks_->pump(runtime_.now(), runtime_.wall());
}

bool WebhookHost::finished() {
    if (!hooks_) return true;
    if (!hooks_->idle()) return false;
    hooks_->settle(runtime_.wall());
    return true;
}

std::optional<report::WebhooksStatus> WebhookHost::status() const {
    if (!hooks_ || settings_.webhooks.empty()) return std::nullopt;
    report::WebhooksStatus status{
        .unsaved = hooks_->unsaved(), .disk_problem = hooks_->disk_problem(), .receivers = hooks_->status()};
    for (auto& one : status.receivers) {
        const auto before = before_.find(one.name);
        if (before == before_.end()) continue;
        one.sent += before->second.sent;
        one.failed += before->second.failed;
        one.dropped += before->second.dropped;
    }
    return status;
}

void WebhookHost::put_counters(ipc::ObserverStatus& status) const {
    const auto now = this->status();
    if (!now) return;
    for (const auto& one : now->receivers) {
        status.webhooks.push_back(one.name);
        status.webhooks_sent.push_back(one.sent);
        status.webhooks_failed.push_back(one.failed);
        status.webhooks_dropped.push_back(one.dropped);
    }
}

}  // namespace mainstay::role
