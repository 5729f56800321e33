// The [[webhook]] tables of a TOML document.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "config/schema/parse_context.hpp"
#include "config/toml/document.hpp"
#include "mainstay/config/webhook.hpp"

namespace mainstay::config {
namespace {

using Problems = std::vector<SettingsProblem>;

bool takes(const WebhookKey& row, std::string_view text) {
    if (!row.words.empty()) return std::ranges::find(row.words, text) != row.words.end();
    return row.is_good == nullptr || row.is_good(text);
}

// False: the value is not of the key's form.
bool take_value(const WebhookKey& row, const toml::node& value, Webhook& webhook) {
    if (row.seconds != nullptr) {
        const auto number = value.value_exact<std::int64_t>();
        if (!number || *number < row.low || *number > row.high) return false;
        webhook.*row.seconds = static_cast<std::uint32_t>(*number);
        return true;
    }
    if (row.text != nullptr) {
        const auto text = value.value_exact<std::string>();
        if (!text || !takes(row, *text)) return false;
        webhook.*row.text = *text;
        return true;
    }
    const auto* const list = value.as_array();
    if (list == nullptr || list->empty()) return false;
    std::vector<std::string> texts;
    for (const auto& one : *list) {
        const auto text = one.value_exact<std::string>();
        if (!text || !takes(row, *text)) return false;
        texts.push_back(*text);
    }
    webhook.*row.list = std::move(texts);
    return true;
}

std::string effect_of(const WebhookKey& row) {
    if (row.key == "url") return "this webhook is left out";
    return fmt::format("default used: {}", row.default_text);
}

void take_key(const toml::key& key, const toml::node& value, Webhook& webhook, Problems& problems) {
    const auto rows = webhook_keys();
    const auto row = std::ranges::find(rows, key.str(), &WebhookKey::key);
    if (row == rows.end()) {
        std::vector<std::string_view> keys;
        std::ranges::transform(rows, std::back_inserter(keys), &WebhookKey::key);
        const auto near = nearest(key.str(), keys);
        problems.push_back({place_of(key.source()), fmt::format("unknown setting {} in [[webhook]]", key.str()),
                            fmt::format("ignored; known settings: {}", fmt::join(keys, ", ")),
                            near.empty() ? std::string{} : fmt::format("did you mean {}?", near)});
        return;
    }
    if (take_value(*row, value, webhook)) return;
    std::string message = fmt::format("webhook.{} must be {}", row->key, row->form);
    if (const auto text = value.value_exact<std::string>(); text && row->key == "url")
        if (const auto url = webhook_url(*text); !url) message = fmt::format("webhook.url: {}", url.error().text());
    problems.push_back({place_of(value.source()), std::move(message), effect_of(*row), {}});
}

// The URL's host, in the characters of a name.
std::string name_from(const std::string& host) {
    std::string name = host.substr(0, 64);
    std::ranges::replace_if(name, [](char c) { return c == ':' || c == '_'; }, '-');
    if (name.starts_with('.')) name.front() = '-';
    return name;
}

void take_one(const toml::table& table, const TomlPlace& place, std::vector<Webhook>& webhooks, Problems& problems) {
    Webhook webhook;
    const std::size_t before = problems.size();
    for (const auto& [key, value] : table) take_key(key, value, webhook, problems);
    const auto url = webhook_url(webhook.url);
    if (!url) {
        if (problems.size() == before || !table.contains("url"))
            problems.push_back(
                {place, "a [[webhook]] has no url", "it is left out", "write url = \"https://HOST/PATH\""});
        return;
    }
    if (webhook.name.empty()) webhook.name = name_from(url->host);
    if (std::ranges::find(webhooks, webhook.name, &Webhook::name) != webhooks.end()) {
        problems.push_back({place, fmt::format("there is another [[webhook]] of the name {}", webhook.name),
                            "this one is left out", "give it a name of its own"});
        return;
    }
    if (webhooks.size() == kWebhooksMax) {
        problems.push_back(
            {place, fmt::format("there are more than {} webhooks", kWebhooksMax), "this one is left out", {}});
        return;
    }
    webhooks.push_back(std::move(webhook));
}

}  // namespace

void take_webhooks(const toml::node& value, const TomlPlace& key_place, std::vector<Webhook>& webhooks,
                   std::vector<SettingsProblem>& problems) {
    const auto* const tables = value.as_array();
    if (tables == nullptr || !std::ranges::all_of(*tables, [](const toml::node& one) { return one.is_table(); })) {
        problems.push_back({key_place, "webhook is a list of tables", "ignored", "write [[webhook]]"});
        return;
    }
    for (const auto& one : *tables) take_one(*one.as_table(), place_of(one.source()), webhooks, problems);
}

}  // namespace mainstay::config
