#include "mainstay/alert/webhook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "mail_text.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::alert {
namespace {

using nlohmann::ordered_json;
using Kind = Event::Kind;

constexpr std::size_t kTextBytesMax = 900;  // of each text of an event, as in mails
constexpr std::uint64_t kFnvStart = 14'695'981'039'346'656'037U, kFnvPrime = 1'099'511'628'211U;
constexpr std::uint8_t kFnvSeparator = 0xFF;

// The judge's words for a server or service that leaves the configuration or the daemon: it is not known to be down.
constexpr std::array<std::string_view, 2> kGone{"Removing", "Shutting down"};

enum class Effect : std::uint8_t { None, Begins, Ends };

Effect of_vrrp(Transition transition, Transition begins) {
    if (!changes_state(transition)) return Effect::None;
    return transition == begins ? Effect::Begins : Effect::Ends;
}

Effect of_servers(const Event& event) {
    if (!changes_state(event.transition)) return Effect::None;
    const bool gone = std::ranges::find(kGone, event.detail) != kGone.end();
    return event.transition == Transition::Down && !gone ? Effect::Begins : Effect::Ends;
}

struct AlertRow {
    const char *name, *severity;
    Effect effect;
};

// The names are those of etc/prometheus/mainstay-alerts.yml where that has the same alert.
std::vector<AlertRow> alerts_of(const Event& event) {
    switch (event.kind) {
        case Kind::Instance:
        case Kind::Group:
            return {{"MainstayMaster", "info", of_vrrp(event.transition, Transition::Master)},
                    {"MainstayFault", "warning", of_vrrp(event.transition, Transition::Fault)}};
        case Kind::RealServer:
            return {{"MainstayServerDown", "warning", of_servers(event)}};
        case Kind::VirtualServer:
            return {{"MainstayServiceDown", "critical", of_servers(event)}};
    }
    return {};
}

const char* kind_word(Kind kind) {
    switch (kind) {
        case Kind::Instance:
            return "instance";
        case Kind::Group:
            return "group";
        case Kind::RealServer:
            return "server";
        case Kind::VirtualServer:
            return "service";
    }
    return "unknown";
}

const char* role_of(Kind kind) { return kind == Kind::Instance || kind == Kind::Group ? "vrrp" : "lvs"; }

std::string clean(std::string_view text) { return clean_line(text, kTextBytesMax); }

std::string object_of(const Event& event) {
    const std::string object = fmt::format("{} {}", kind_word(event.kind), clean(event.name));
    return event.parent.empty() ? object : object + " " + clean(event.parent);
}

std::string text_of(const ordered_json& document) {
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string summary_of(const Event& event) {
    const std::string name = clean(event.name), word = to_string(event.transition);
    if (event.kind == Kind::RealServer) return fmt::format("Server {} of {} is {}", name, clean(event.parent), word);
    const char* const what = event.kind == Kind::Instance ? "Instance"
                             : event.kind == Kind::Group  ? "Group"
                                                          : "Service";
    return fmt::format("{} {} is {}", what, name, word);
}

// What says which object it is. The state is no label: it would make another alert of each state.
std::map<std::string, std::string> object_labels(const Event& event, const HookSender& sender) {
    std::map<std::string, std::string> labels{{"director", clean(sender.host_name)},
                                              {"kind", kind_word(event.kind)},
                                              {"name", clean(event.name)},
                                              {"router_id", clean(sender.router_id)}};
    if (!event.parent.empty()) labels["service"] = clean(event.parent);
    return labels;
}

// No cause and no reason where there is none: who shows all annotations would show empty lines.
ordered_json annotations_of(const Event& event) {
    ordered_json all;
    if (event.cause != Cause::None) all["cause"] = to_string(event.cause);
    all["description"] = clean(plain_detail(event));
    if (!event.reason.empty()) all["reason"] = clean(event.reason);
    all["state"] = to_string(event.transition);
    all["summary"] = summary_of(event);
    return all;
}

ordered_json alert_json(const Event& event, const AlertChange& change, const HookSender& sender) {
    auto labels = object_labels(event, change.sender.value_or(sender));
    labels["alertname"] = change.name;
    labels["severity"] = change.severity;
    return {{"status", change.firing ? "firing" : "resolved"},
            {"labels", labels},
            {"annotations", annotations_of(event)},
            {"startsAt", utc_text(change.starts, UtcDigits::Microseconds)},
            // Alertmanager's "not yet": the zero time of its language.
            {"endsAt", change.firing ? "0001-01-01T00:00:00Z" : utc_text(change.ends, UtcDigits::Microseconds)},
            {"generatorURL", ""},
            {"fingerprint", fingerprint(labels)}};
}

// What all alerts of a body have; of the labels those of the object, and of a single alert all.
ordered_json common_labels(const ordered_json& alerts) {
    ordered_json common = alerts.at(0).at("labels");
    for (const auto& alert : alerts)
        for (auto label = common.begin(); label != common.end();)
            label = alert.at("labels").at(label.key()) == label.value() ? std::next(label) : common.erase(label);
    return common;
}

// `type`: without "mainstay.".
Post cloud_event(const Event& event, const HookSender& sender, const std::string& id, const std::string& type) {
    ordered_json data{{"kind", kind_word(event.kind)},   {"name", clean(event.name)},
                      {"parent", clean(event.parent)},   {"transition", to_string(event.transition)},
                      {"priority", event.priority},      {"detail", clean(plain_detail(event))},
                      {"at_unix_us", event.at.unix_us},  {"number", event.number},
                      {"host", clean(sender.host_name)}, {"router_id", clean(sender.router_id)},
                      {"reason", clean(event.reason)},   {"cause", to_string(event.cause)}};
    // The source is a URI reference: host names have only characters that may stand there.
    const ordered_json body{
        {"specversion", "1.0"},
        {"id", id},
        {"source", fmt::format("//{}/mainstay/{}", clean_address(sender.host_name), role_of(event.kind))},
        {"type", "mainstay." + type},
        {"subject", clean(event.name)},
        {"time", utc_text(event.at, UtcDigits::Microseconds)},
        {"datacontenttype", "application/json"},
        {"data", std::move(data)}};
    return {.id = id,
            .object = object_of(event),
            .content_type = "application/cloudevents+json; charset=utf-8",
            .body = text_of(body),
            .at = event.at};
}

std::string key_of(const AlertRow& row, const Event& event) { return fmt::format("{} {}", row.name, object_of(event)); }

bool ends(const Event& event, const std::string& key) {
    return std::ranges::any_of(
        alerts_of(event), [&](const AlertRow& row) { return row.effect == Effect::Ends && key_of(row, event) == key; });
}

const char* how_it_ended(Transition transition) {
    if (transition == Transition::Deleted) return "It is not configured any more";
    return transition == Transition::Up ? "It has recovered" : "It changed while no webhook was told";
}

}  // namespace

std::vector<AlertChange> alert_changes(const Event& event, FiringAlerts& firing, const HookSender& sender) {
    std::vector<AlertChange> begun, ended;
    for (const auto& row : alerts_of(event)) {
        const std::string key = key_of(row, event);
        const auto known = firing.find(key);
        if (row.effect == Effect::Begins) {
            const WallTime starts = known == firing.end() ? event.at : known->second.since;
            const auto named = known == firing.end() ? sender : known->second.sender;
            begun.push_back({row.name, row.severity, true, starts, {}, named});
            if (firing.size() < kFiringAlertsMax)
                firing.try_emplace(key, FiringAlert{starts, event.kind, event.name, event.parent, named});
        } else if (row.effect == Effect::Ends && known != firing.end()) {
            ended.push_back({row.name, row.severity, false, known->second.since, event.at, known->second.sender});
            firing.erase(known);
        }
    }
    begun.insert(begun.end(), ended.begin(), ended.end());
    return begun;
}

std::vector<Event> closing_events(const FiringAlerts& firing, const AlertIsOver& over, WallTime at) {
    std::vector<Event> events;
    for (const auto& [key, alert] : firing) {
        const auto how = over(alert);
        if (!how) continue;
        Event event{.kind = alert.kind,
                    .name = alert.name,
                    .parent = alert.parent,
                    .transition = *how,
                    .detail = how_it_ended(*how),
                    .at = {at.unix_us + static_cast<std::int64_t>(events.size())}};
        if (!ends(event, key)) continue;  // an instance is still in the state that fired
        // An object of two alerts is closed by one event.
        if (events.empty() || object_of(events.back()) != object_of(event)) events.push_back(std::move(event));
    }
    return events;
}

std::string fingerprint(const std::map<std::string, std::string>& labels) {
    std::uint64_t sum = kFnvStart;
    const auto add = [&sum](std::uint8_t byte) { sum = (sum ^ byte) * kFnvPrime; };
    for (const auto& [name, value] : labels) {
        for (const auto& text : {name, value}) {
            for (const char c : text) add(static_cast<std::uint8_t>(c));
            add(kFnvSeparator);
        }
    }
    return fmt::format("{:016x}", sum);
}

std::string post_id(const Event& event) {
    return fmt::format("{}.{}.{}", role_of(event.kind), event.number, event.at.unix_us);
}

std::optional<Post> alertmanager_post(const Event& event, const std::vector<AlertChange>& changes,
                                      const std::string& receiver, const HookSender& sender) {
    if (changes.empty()) return std::nullopt;
    auto alerts = ordered_json::array();
    for (const auto& change : changes) alerts.push_back(alert_json(event, change, sender));
    const auto group = object_labels(event, changes.front().sender.value_or(sender));
    const bool firing = std::ranges::any_of(changes, &AlertChange::firing);
    std::string key = "{}:{";
    for (const auto& [name, value] : group)
        key += fmt::format("{}{}={}", key.ends_with('{') ? "" : ", ", name, text_of(ordered_json(value)));
    const ordered_json body{{"receiver", receiver},
                            {"status", firing ? "firing" : "resolved"},
                            {"alerts", alerts},
                            {"groupLabels", group},
                            {"commonLabels", common_labels(alerts)},
                            {"commonAnnotations", alerts.at(0).at("annotations")},
                            {"externalURL", ""},
                            {"version", "4"},
                            {"groupKey", key + "}"},
                            {"truncatedAlerts", 0}};
    return Post{.id = post_id(event),
                .object = object_of(event),
                .content_type = "application/json",
                .body = text_of(body),
                .at = event.at};
}

Post cloud_event_post(const Event& event, const HookSender& sender) {
    std::string word = to_string(event.transition);
    std::ranges::transform(word, word.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return cloud_event(event, sender, post_id(event), fmt::format("{}.{}", kind_word(event.kind), word));
}

Post test_post(const std::string& receiver, HookBody body, const HookSender& sender, WallTime at) {
    const Event event{.kind = Kind::Instance,
                      .name = "mainstay-test",
                      .transition = Transition::Master,
                      .detail = "An operator sent this to test the webhook; nothing has happened",
                      .at = at};
    const std::string id = fmt::format("test.{}", at.unix_us);
    if (body == HookBody::CloudEvents) return cloud_event(event, sender, id, "test");
    // Resolved: it calls nobody.
    auto post = *alertmanager_post(event, {{"MainstayTest", "none", false, at, at, sender}}, receiver, sender);
    post.id = id;
    return post;
}

HookVerdict judge_answer(int status) {
    if (status >= 200 && status < 300) return HookVerdict::Delivered;
    if (status == 400 || status == 413 || status == 415 || status == 422) return HookVerdict::Rejected;
    if (status == 408 || status == 409 || status == 425 || status == 500) return HookVerdict::Deferred;
    return HookVerdict::NotReceiving;
}

}  // namespace mainstay::alert
