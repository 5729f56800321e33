#include "mail_settings.hpp"

#include <fmt/format.h>

#include "mainstay/config/mail_relay.hpp"
#include "tls.hpp"

namespace mainstay::role {
namespace {

std::string cut_line(std::string& text) {
    const auto end = text.find('\n');
    std::string line = text.substr(0, end);
    text.erase(0, end == std::string::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

// The problem; empty: none.
std::string take_credentials(const std::string& path, ipc::MailSettings& mail) {
    auto text = secret_file(path);
    if (!text) return text.error().text();
    const std::string user = cut_line(*text), password = cut_line(*text);
    if (user.empty() || password.empty())
        return fmt::format("{} must have the user name in its first line and the password in its second one", path);
    mail.user = user;
    mail.password = password;
    return {};
}

}  // namespace

ipc::MailSettings mail_settings(const config::Settings& settings, std::vector<std::string>& problems) {
    ipc::MailSettings mail{.relays = {}, .ca_file = settings.mail_tls_ca, .user = {}, .password = {}};
    bool all_encrypted = true;
    for (const auto& text : settings.mail_relays) {
        const auto relay = config::mail_relay(text);
        if (!relay) {
            problems.push_back(fmt::format("[mail] relays: {}; it is left out", relay.error().text()));
            continue;
        }
        all_encrypted = all_encrypted && relay->tls != config::MailRelay::Tls::Off;
        mail.relays.push_back({relay->host, relay->port, static_cast<std::uint8_t>(relay->tls)});
    }
    if (settings.mail_credentials.empty()) return mail;
    if (const auto problem = take_credentials(settings.mail_credentials, mail); !problem.empty())
        problems.push_back(fmt::format("[mail] credentials: {}; mails are sent without them", problem));
    else if (!all_encrypted || mail.relays.empty())
        problems.emplace_back(
            "[mail] credentials are not given to servers without TLS: name them as starttls:// or smtps://");
    return mail;
}

}  // namespace mainstay::role
