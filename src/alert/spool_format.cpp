// The format of a spooled mail on disk: JSON, because an operator may want to read or repair it.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "json_number.hpp"
#include "mainstay/alert/spool.hpp"
#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

using nlohmann::json;

constexpr int kMailFormat = 1;
// One that cannot be read is left out.
std::vector<config::MailAddress> addresses_of(const json& texts) {
    std::vector<config::MailAddress> addresses;
    for (const auto& text : texts.get<std::vector<std::string>>())
        std::ranges::move(config::mail_addresses(text).addresses, std::back_inserter(addresses));
    return addresses;
}

// Throws json::exception on a missing or mistyped member; caught by decode_mail.
Mail mail_of(const json& document) {
    Mail mail;
    document.at("id").get_to(mail.id);
    if (auto from = addresses_of(json::array({document.at("from")})); !from.empty())
        mail.from = std::move(from.front());
    mail.to = addresses_of(document.at("to"));
    document.at("router_id").get_to(mail.router_id);
    mail.queued.unix_us = whole_number<std::int64_t>(document.at("queued_us"));
    mail.unlisted = whole_number<std::uint64_t>(document.at("unlisted"));
    document.at("merged").get_to(mail.merged);
    for (const auto& entry : document.at("items")) {
        mail.items.push_back({.subject = entry.at("subject").get<std::string>(),
                              .body = entry.at("body").get<std::string>(),
                              .at = {whole_number<std::int64_t>(entry.at("at_us"))}});
    }
    return mail;
}

}  // namespace

std::string encode_mail(const Mail& mail) {
    json items = json::array();
    for (const auto& item : mail.items) {
        items.push_back({{"subject", item.subject}, {"body", item.body}, {"at_us", item.at.unix_us}});
    }
    const json document{{"format", kMailFormat},
                        {"id", mail.id},
                        {"from", config::to_text(mail.from)},
                        {"to", texts_of(mail.to)},
                        {"router_id", mail.router_id},
                        {"queued_us", mail.queued.unix_us},
                        {"unlisted", mail.unlisted},
                        {"merged", mail.merged},
                        {"items", std::move(items)}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Mail> decode_mail(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return fail(Errc::Invalid, "not JSON");
    try {
        if (document.at("format") != kMailFormat)
            return fail(Errc::Unsupported, "a format that this version does not know");
        Mail mail = mail_of(document);
        if (!safe_id(mail.id)) return fail(Errc::Invalid, "an id that cannot be a file name");
        if (mail.items.empty() || mail.to.empty()) return fail(Errc::Invalid, "a mail without text or recipients");
        return mail;
    } catch (const json::exception& problem) {
        return fail(Errc::Invalid, problem.what());
    }
}

}  // namespace mainstay::alert
