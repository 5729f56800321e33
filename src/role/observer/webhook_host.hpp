// The observer's webhooks: alert::Webhooks with its spool, its transport and its settings. While none is configured it
// does nothing and makes no folder.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/alert/http.hpp"
#include "mainstay/alert/webhooks.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/settings.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/report/deliveries.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

class WebhookHost {
public:
    // `wake` is called when a delivery has ended: call pump() soon.
    WebhookHost(Runtime& runtime, std::function<void()> wake) : runtime_{runtime}, wake_{std::move(wake)} {}

    [[nodiscard]] Result<void> start(const ipc::ObserverStatus& previous);
    void settings(const ipc::WebhookSettings& settings) { settings_ = settings; }
    // Once a second: takes over settings and names, and looks after the spool.
    void tick(const config::Global& global, const std::string& host_name);

    struct Blocks {  // read those of the roles
        std::function<std::optional<report::VrrpStatus>()> vrrp;
        std::function<std::optional<report::LvsStatus>()> lvs;
    };
    // Ends alerts of objects that are gone or well, once for each configuration: what happened while no daemon ran or
    // no webhook was configured, and the removal of what was down, are no events.
    void close_alerts(const config::Config& running, std::uint64_t generation, const Blocks& blocks);

    void take(const std::vector<Event>& events);
    void pump();
    [[nodiscard]] bool all_saved() const { return !hooks_ || hooks_->unsaved() == 0; }
    // At the stop: notes what was delivered. False: there is more that may be delivered soon.
    [[nodiscard]] bool finished();

    [[nodiscard]] std::optional<report::WebhooksStatus> status() const;
    [[nodiscard]] bool is_used() const { return hooks_ || !settings_.webhooks.empty(); }
    [[nodiscard]] alert::Webhooks* hooks() { return hooks_ ? &*hooks_ : nullptr; }  // null: none is configured
    [[nodiscard]] std::vector<alert::Webhook> configured() const;
    [[nodiscard]] const alert::HookSender& sender() const { return sender_; }
    void put_counters(ipc::ObserverStatus& status) const;

private:
    Runtime& runtime_;
    std::function<void()> wake_;
    ipc::WebhookSettings settings_;
    alert::HookSender sender_;  // as of the last tick()
    std::unique_ptr<alert::HttpTransport> transport_;
    std::optional<alert::Webhooks> hooks_;
    std::uint64_t close_for_ = 0;  // generation of which close_alerts() knows, since:
    Instant close_since_{};
    bool closed_ = false;
    std::map<std::string, report::WebhookStatus> before_;  // counters of earlier incarnations
};

}  // namespace mainstay::role
