// The formats of the webhooks' files: JSON, because an operator may want to read or repair them.
#include "mainstay/alert/webhook_spool.hpp"

#include <nlohmann/json.hpp>

#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

using nlohmann::json;

constexpr int kWebhookFormat = 1;

std::string file_text(const json& document) {
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

// A header's text: what a line end would add to the request is refused.
bool one_line(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

// Throws json::exception on a missing or mistyped member; caught by decode_posts.
PostBatch batch_of(const json& document) {
    PostBatch batch{.id = document.at("id").get<std::string>(),
                    .webhook = document.at("webhook").get<std::string>(),
                    .sequence = whole_number<std::int64_t>(document.at("sequence")),
                    .posts = {},
                    .reason = document.value("reason", std::string{})};
    for (const auto& entry : document.at("posts")) {
        batch.posts.push_back({.id = entry.at("id").get<std::string>(),
                               .object = entry.at("object").get<std::string>(),
                               .content_type = entry.at("content_type").get<std::string>(),
                               .body = entry.at("body").get<std::string>(),
                               .at = {whole_number<std::int64_t>(entry.at("at_us"))}});
    }
    return batch;
}

template <class T, class F>
Result<T> checked(std::string_view text, F read) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return fail(Errc::Invalid, "not JSON");
    try {
        if (document.at("format") != kWebhookFormat)
            return fail(Errc::Unsupported, "a format that this version does not know");
        return read(document);
    } catch (const json::exception& problem) {
        return fail(Errc::Invalid, problem.what());
    }
}

}  // namespace

std::string encode_posts(const PostBatch& batch) {
    json posts = json::array();
    for (const auto& post : batch.posts)
        posts.push_back({{"id", post.id},
                         {"object", post.object},
                         {"content_type", post.content_type},
                         {"body", post.body},
                         {"at_us", post.at.unix_us}});
    json document{{"format", kWebhookFormat},
                  {"id", batch.id},
                  {"webhook", batch.webhook},
                  {"sequence", batch.sequence},
                  {"posts", std::move(posts)}};
    if (!batch.reason.empty()) document["reason"] = batch.reason;
    return file_text(document);
}

Result<PostBatch> decode_posts(std::string_view text) {
    return checked<PostBatch>(text, [](const json& document) -> Result<PostBatch> {
        PostBatch batch = batch_of(document);
        if (!safe_id(batch.id)) return fail(Errc::Invalid, "an id that cannot be a file name");
        if (batch.posts.empty()) return fail(Errc::Invalid, "a file without requests");
        for (const auto& post : batch.posts)
            if (!safe_id(post.id) || !one_line(post.content_type))
                return fail(Errc::Invalid, "a request whose id or content type cannot be a header");
        return batch;
    });
}

std::string encode_firing(const FiringAlerts& firing) {
    json alerts = json::object();
    for (const auto& [key, alert] : firing) {
        json& one = alerts[key];
        one = {{"since_us", alert.since.unix_us},
               {"kind", static_cast<int>(alert.kind)},
               {"name", alert.name},
               {"parent", alert.parent}};
        if (!alert.sender) continue;
        one["host"] = alert.sender->host_name;
        one["router_id"] = alert.sender->router_id;
    }
    return file_text({{"format", kWebhookFormat}, {"firing", std::move(alerts)}});
}

Result<FiringAlerts> decode_firing(std::string_view text) {
    return checked<FiringAlerts>(text, [](const json& document) -> Result<FiringAlerts> {
        FiringAlerts firing;
        for (const auto& [key, alert] : document.at("firing").items()) {
            const int kind = whole_number<int>(alert.at("kind"));
            if (kind < static_cast<int>(Event::Kind::Instance) || kind > static_cast<int>(Event::Kind::VirtualServer))
                return fail(Errc::Invalid, "an alert of an unknown kind of object");
            firing[key] = {.since = {whole_number<std::int64_t>(alert.at("since_us"))},
                           .kind = static_cast<Event::Kind>(kind),
                           .name = alert.at("name").get<std::string>(),
                           .parent = alert.at("parent").get<std::string>(),
                           .sender = {}};
            if (alert.contains("host"))
                firing[key].sender = {alert.at("host").get<std::string>(), alert.at("router_id").get<std::string>()};
        }
        return firing;
    });
}

const std::vector<std::string>& SpoolFormat<PostBatch>::merged(const PostBatch&) {
    static const std::vector<std::string> kNone;
    return kNone;
}

}  // namespace mainstay::alert
