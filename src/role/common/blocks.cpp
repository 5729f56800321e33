#include "blocks.hpp"

#include <algorithm>

#include "mainstay/config/model.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

void fill_in_omitted(report::LvsStatus& status) {
    for (auto& service : status.services) {
        const auto protocol = static_cast<config::Protocol>(service.key.protocol);  // none for a firewall mark
        if (service.name.empty()) service.name = config::server_name({service.key.address, service.key.port}, protocol);
        for (auto& server : service.servers) {
            if (server.name.empty()) server.name = config::server_name(server.endpoint, protocol);
            if (server.forwarding.empty()) server.forwarding = kUsualForwarding;
            for (auto& check : server.checks) {
                if (check.type.empty()) check.type = kUsualCheck;
                if (check.target.empty()) check.target = server.endpoint.to_string();
            }
        }
    }
}

Result<report::LvsStatus> decode_lvs_block(std::span<const std::byte> bytes) {
    auto status = decode<report::LvsStatus>(bytes);
    if (status) fill_in_omitted(*status);
    return status;
}

std::optional<report::MaintenanceStatus> shown_maintenance(const ipc::MaintenanceOrder& order) {
    if (!order.on) return std::nullopt;
    return report::MaintenanceStatus{order.since, order.until, order.by, order.reason};
}

RunningConfig to_run(const config::Config& config, bool shown) {
    RunningConfig next{{}, alert::NotifyScripts{config}};
    if (!shown) {
        next.config.global = config.global;
        return next;
    }
    next.config = config;
    for (auto& service : next.config.virtual_servers) service.real_servers = {};
    return next;
}

void PublishPacer::within(Micros pause) {
    if (stopped_ || (due_ && pause >= pause_))
        return;  // a publish is already due at least as early: no need to read the clock
    pause_ = pause;
    set_timer(std::max(kernel::monotonic_now() + pause, usual_from_));
}

void PublishPacer::at_once() {
    if (stopped_) return;
    if (urgent_from_ <= kernel::monotonic_now()) return now();
    pause_ = Micros{0};
    set_timer(urgent_from_);
}

void PublishPacer::set_timer(Instant wanted) {
    if (due_ && *due_ <= wanted) return;
    at_the_latest_ = wanted + kPutOffMax;
    arm(wanted);
}

void PublishPacer::arm(Instant at) {
    due_ = at;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(at));
    timer_.async_wait(lifetime_.when_due([this] { due(); }));
}

void PublishPacer::due() {
    if (stopped_) return;
    const bool may_wait = pause_ > Micros{0} && took_ > kUnnoticed && delays_ && delays_(took_);
    const Instant again = kernel::monotonic_now() + took_;
    if (may_wait && again < at_the_latest_) return arm(again);
    now();
}

void PublishPacer::now() {
    const Instant before = kernel::monotonic_now();
    due_.reset();
    timer_.cancel();
    publish_();
    const Instant after = kernel::monotonic_now();
    took_ = after - before;
    urgent_from_ = after + took_ * shares_.urgent;
    usual_from_ = after + took_ * shares_.usual;
}

void PublishPacer::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace mainstay::role
