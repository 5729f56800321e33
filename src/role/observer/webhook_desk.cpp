#include "webhook_desk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "desk_json.hpp"
#include "mainstay/report/document.hpp"

namespace mainstay::role {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kNone = "no webhook is configured: [[webhook]] of mainstay.toml names them";

const char* to_string(alert::QueuedPost::State state) {
    using enum alert::QueuedPost::State;
    return state == Sending ? "sending" : state == Failed ? "failed" : "waiting";
}

json post_json(const alert::QueuedPost& post) {
    json shown{{"id", post.id},
               {"state", to_string(post.state)},
               {"webhook", post.webhook},
               {"object", post.object},
               {"queued", report::iso_time(post.at)},
               {"queued_unix_us", post.at.unix_us},
               {"tries", post.tries},
               {"answer", post.answer},
               {"next_try_s", nullptr}};
    if (post.next_try) shown["next_try_s"] = post.next_try->count();
    return shown;
}

json receiver_json(const report::WebhookStatus& one) {
    return {{"name", one.name},       {"queued", one.queued},   {"sent", one.sent},      {"failed", one.failed},
            {"dropped", one.dropped}, {"retries", one.retries}, {"problem", one.problem}};
}

}  // namespace

std::string WebhookDesk::queue_json() {
    json waiting = json::array(), failed = json::array(), receivers = json::array();
    const auto status = host_.status();
    if (status)
        for (const auto& one : status->receivers) receivers.push_back(receiver_json(one));
    if (auto* const hooks = host_.hooks())
        for (const auto& post : hooks->queue(runtime_.now()))
            (post.state == alert::QueuedPost::State::Failed ? failed : waiting).push_back(post_json(post));
    return http::json_text({{"enabled", status.has_value()},
                            {"problem", status ? status->disk_problem : std::string{}},
                            {"now_unix_us", runtime_.wall().unix_us},
                            {"receivers", std::move(receivers)},
                            {"waiting", std::move(waiting)},
                            {"failed", std::move(failed)}});
}

Result<std::string> WebhookDesk::change(const Command& command) {
    auto* const hooks = host_.hooks();
    if (hooks == nullptr) return fail(Errc::Unsupported, kNone);
    const alert::Selection which{.ids = command.ids, .all = command.all, .by = command.by};
    const auto lines = command.verb == Verb::Drop ? hooks->drop(which) : hooks->retry(which, runtime_.wall());
    if (!lines) return error_of(lines);
    wake_();
    return lines_text(*lines, "no event waits or has failed\n");
}

Result<void> WebhookDesk::start_test(const std::vector<std::string>& names, const std::string& by) {
    auto webhooks = host_.configured();
    if (webhooks.empty()) return fail(Errc::Unsupported, kNone);
    for (const auto& name : names)
        if (std::ranges::find(webhooks, name, &alert::Webhook::name) == webhooks.end())
            return fail(Errc::NotFound, fmt::format("there is no webhook {}", name));
    if (!names.empty())
        std::erase_if(webhooks, [&](const auto& one) { return std::ranges::find(names, one.name) == names.end(); });
    if (!test_) {
        auto transport = alert::HttpTransport::make(runtime_.loop());
        if (!transport) return error_of(transport);
        transport_ = std::move(*transport);
        test_ = std::make_unique<alert::HookTest>(*transport_);
    }
    std::vector<std::string> receivers;
    for (const auto& one : webhooks) receivers.push_back(one.name);
    auto started = test_->start(std::move(webhooks), host_.sender(), runtime_.wall());
    if (started)
        runtime_.log_of(LogModule::Webhook)
            .notice("webhook test by {}: to {}", by, fmt::to_string(fmt::join(receivers, ", ")));
    return started;
}

std::string WebhookDesk::test_json(std::size_t known) {
    return progress_json(test_ ? test_->progress(known) : alert::HookTest::Progress{});
}

}  // namespace mainstay::role
