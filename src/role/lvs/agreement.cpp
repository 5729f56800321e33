#include "agreement.hpp"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

#include "mainstay/base/hash.hpp"
#include "role_impl.hpp"

namespace mainstay::role {
namespace {

std::uint64_t together(std::uint64_t digest, std::uint64_t next) {
    std::array<std::byte, sizeof next> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::byte>(next & 0xff), next >>= 8;
    return fnv1a(bytes, digest);
}

}  // namespace

Agreement::Agreement(Log& log, const TableReconciler& reconciler, const LvsOptions& options)
    : log_{log},
      reconciler_{reconciler},
      slots_assumed_{!options.mh_slots},
      slots_{options.mh_slots.value_or(lvs::kMhUsualTableSize)},
      is_{slots_},
      should_{slots_} {}

std::optional<report::MhTableStatus> Agreement::status_of(const std::vector<netlink::IpvsServiceKey>& keys) {
    report::MhTableStatus status{.slots = slots_, .slots_assumed = slots_assumed_};
    for (const auto& key : keys) {
        const auto known = reconciler_.known(key);
        if (!known) return std::nullopt;
        const auto is = is_.of(*known);
        const auto wanted = reconciler_.is_as_wanted(key) ? std::nullopt : reconciler_.wanted(key);
        const auto should = wanted ? should_.of(*wanted) : is;
        status.digest = keys.size() == 1 ? is : together(status.digest, is);
        status.wanted_digest = keys.size() == 1 ? should : together(status.wanted_digest, should);
    }
    return status;
}

std::optional<report::MhTableStatus> Agreement::of(const config::VirtualServer& service) const {
    const auto at = found_.find(config::service_name(service));
    return at == found_.end() ? std::nullopt : std::optional{at->second};
}

void Agreement::look(const lvs::Judge& judge) {
    const auto before = std::exchange(found_, {});
    for (std::size_t v = 0; v < judge.services().size(); ++v) {
        const auto& service = judge.services()[v];
        if (!service.active_active) continue;
        const auto status = status_of(judge.keys(v));
        if (!status) continue;
        const auto name = config::service_name(service);
        found_.emplace(name, *status);
        if (const auto last = before.find(name); last != before.end() && last->second == *status) continue;
        if (status->digest == status->wanted_digest)
            log_.info("virtual server {}: mh table {:016x}, as the configuration demands", name, status->digest);
        else
            log_.notice(
                "virtual server {}: mh table {:016x}, the configuration demands {:016x}: put in order {}", name,
                status->digest, status->wanted_digest,
                config::announces(service) ? "once no address of it is announced" : "at the end of maintenance");
    }
}

std::vector<netlink::IpvsServiceKey> Agreement::waiting(const lvs::Judge& judge, std::size_t service) const {
    auto keys = judge.keys(service);
    std::erase_if(keys,
                  [this](const auto& key) { return reconciler_.is_as_wanted(key) || !reconciler_.is_usable(key); });
    return keys;
}

void Agreement::reloaded(const lvs::Judge& judge) {
    std::set<netlink::IpvsServiceKey> keys;
    for (std::size_t v = 0; v < judge.services().size(); ++v)
        if (judge.services()[v].active_active)
            for (auto& key : judge.keys(v)) keys.insert(key);
    is_.keep_only(keys);
    should_.keep_only(keys);
}

// After the start and after a reload.
void LvsRole::follow_agreement() {
    const bool used = std::ranges::any_of(judge_.services(), &config::VirtualServer::active_active);
    if (!runtime_.options().has_ipvs_namespace) settings_.take_over_flows(used);
    settings_.hold_sysctls(false);
    agreement_.reloaded(judge_);
    repair_agreement(false);
}

void LvsRole::repair_agreement(bool all) {
    if (reconciler_.has_all()) return;
    std::vector<netlink::IpvsServiceKey> keys;
    for (std::size_t v = 0; v < judge_.services().size(); ++v) {
        if (!judge_.services()[v].active_active) continue;
        const auto waiting = agreement_.waiting(judge_, v);
        if (waiting.empty()) continue;
        if (!announcing_.is_withdrawn(v) && !(all && !config::announces(judge_.services()[v]))) continue;
        runtime_.log().info("virtual server {}: its mh table is put in order",
                            config::service_name(judge_.services()[v]));
        keys.insert(keys.end(), waiting.begin(), waiting.end());
    }
    if (keys.empty()) return;
    settings_.keep_flows_of_deleted(true);
    reconciler_.repair_order(keys);
    settings_.keep_flows_of_deleted(false);
}

// Addresses may have been withdrawn. The table is changed in a turn of the loop of its own, because this is called in
// the middle of other changes.
void LvsRole::announcing_changed() {
    publish_within(kPublishSoon);
    boost::asio::post(runtime_.loop(), lifetime_.guard([this] {
        if (started_ && !stopping_) repair_agreement(false);
    }));
}

// Comes back only with tables as the configuration demands them.
void LvsRole::maintain(const ipc::MaintenanceOrder& order) {
    if (started_ && !order.on) repair_agreement(true);
    announcing_.drain(order.on);
    maintenance_ = order;
    if (started_) publish_within(kPublishSoon);
}

}  // namespace mainstay::role
