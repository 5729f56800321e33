#include "mainstay/alert/mail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "mail_text.hpp"

namespace mainstay::alert {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kBase64LineBytes = 57;  // 76 characters, RFC 2045 6.8
constexpr int kDayS = 86'400;

// keepalived: "Entering X state" for MASTER, BACKUP and FAULT, a single word for STOP and DELETED.
std::string vrrp_headline(Transition transition) {
    if (transition == Transition::Stop) return "Stopping";
    if (transition == Transition::Deleted) return "Deleted";
    return fmt::format("Entering {} state", to_string(transition));
}

std::string headline(const Event& event) {
    switch (event.kind) {
        case Event::Kind::Instance:
            return fmt::format("VRRP Instance {} - {}", event.name, vrrp_headline(event.transition));
        case Event::Kind::Group:
            return fmt::format("VRRP Group {} - {}", event.name, vrrp_headline(event.transition));
        case Event::Kind::RealServer:
            return fmt::format("Realserver {} of virtual server {} - {}", event.name, event.parent,
                               to_string(event.transition));
        case Event::Kind::VirtualServer:
            return fmt::format("Virtualserver {} - {}", event.name, to_string(event.transition));
    }
    return event.name + " - " + to_string(event.transition);
}

const char* source_of(Event::Kind kind) {
    return kind == Event::Kind::Instance || kind == Event::Kind::Group ? "vrrp" : "lvs";
}

std::string router_id(const config::Global& global, const MailHost& host) {
    return clean_line(global.router_id.empty() ? host.host_name : global.router_id, kNameBytesMax);
}

// Everything of a mail except its id and items.
Mail addressed(const config::Global& global, const MailHost& host) {
    Mail mail;
    mail.router_id = router_id(global, host);
    mail.from = global.notification_email_from;
    // keepalived: <user>@<host>, and its user is root.
    if (mail.from.address.empty()) mail.from.address = clean_address("root@" + host.host_name);
    mail.to = global.notification_email;
    return mail;
}

MailItem item(const Mail& mail, const std::string& text, const std::string& body, WallTime at) {
    return {.subject = clean_line(fmt::format("[{}] {}", mail.router_id, text), kSubjectBytesMax),
            .body = clean_line(fmt::format("=> {} <=", body), kBodyLineBytesMax),
            .at = at};
}

// A name that is not ASCII is encoded (RFC 2047 5).
std::string in_header(const config::MailAddress& one) {
    if (is_ascii(one.name)) return config::to_text(one);
    return fmt::format("{} <{}>", header_text(clean_line(one.name, config::kMailNameBytesMax)), one.address);
}

// "a@x, b@x", folded between addresses where a line would grow long; as keepalived writes it otherwise.
std::string recipients(const std::vector<config::MailAddress>& to) {
    std::string out;
    std::size_t column = 4;
    for (const auto& one : to) {
        const std::string address = in_header(one);
        if (!out.empty()) {
            const bool fold = column + address.size() > 900;
            out += fold ? ",\r\n " : ", ";
            column = fold ? 1 : column + 2;
        }
        out += address;
        column += address.size();
    }
    return out;
}

std::string body_of(const Mail& mail, const MailHost& host) {
    if (mail.items.size() == 1 && mail.unlisted == 0) return mail.items.front().body + "\r\n\r\n";
    std::string body;
    for (const auto& entry : mail.items) {
        body +=
            fmt::format("{}\r\n{}\r\n{}\r\n\r\n", rfc5322_date(entry.at, host.utc_offset_s), entry.subject, entry.body);
    }
    if (mail.unlisted > 0)
        body += fmt::format("{} more alerts are not listed here; see the log.\r\n\r\n", mail.unlisted);
    return body;
}

std::string base64_lines(std::string_view body) {
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += kBase64LineBytes) {
        out += base64(body.substr(at, kBase64LineBytes)) + "\r\n";
    }
    return out;
}

// The characters that are valid both in a Message-ID before the @ and in a file name.
std::string id_part(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kNameBytesMax)) {
        const bool safe =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        out += safe ? c : '-';
    }
    return out;
}

}  // namespace

std::string rfc5322_date(WallTime at, int utc_offset_s) {
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    // Years 1970 to 9999: a broken clock must not make a broken header.
    constexpr std::int64_t kLast = 253'402'300'799 - kDayS;
    using namespace std::chrono;
    const int offset = std::abs(utc_offset_s) < kDayS ? utc_offset_s : 0;
    const std::int64_t unix_s = std::clamp<std::int64_t>(at.unix_us / 1'000'000, kDayS, kLast);
    const sys_seconds local{seconds{unix_s + offset}};
    const auto day = floor<days>(local);
    const year_month_day date{day};
    const hh_mm_ss clock{local - day};
    const int minutes_off = std::abs(offset) / 60;
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[weekday{day}.c_encoding()],
                       static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count(), offset < 0 ? '-' : '+', minutes_off / 60, minutes_off % 60);
}

Mail compose(const Event& event, const config::Global& global, const MailHost& host) {
    Mail mail = addressed(global, host);
    mail.id = fmt::format("{}.{}.{}", source_of(event.kind), event.number, event.at.unix_us);
    mail.items.push_back(item(mail, headline(event), event.detail, event.at));
    if (const auto& why = event.reason.empty() ? event.plain : event.reason; !why.empty())
        mail.items.back().body += "\r\n" + clean_line(fmt::format("Reason: {}", why), kBodyLineBytesMax);
    return mail;
}

Mail compose_notice(const std::string& id, const std::string& text, const std::string& body, WallTime at,
                    const config::Global& global, const MailHost& host) {
    Mail mail = addressed(global, host);
    mail.id = id_part(id);
    mail.items.push_back(item(mail, text, body, at));
    return mail;
}

Mail merge(const std::vector<Mail>& mails) {
    Mail digest;
    for (const auto& mail : mails) {
        if (digest.merged.empty()) {
            digest.from = mail.from;
            digest.to = mail.to;
            digest.router_id = mail.router_id;
            digest.queued = mail.queued;
        }
        digest.queued.unix_us = std::max(digest.queued.unix_us, mail.queued.unix_us);
        digest.unlisted += mail.unlisted;
        digest.merged.push_back(mail.id);
        for (const auto& entry : mail.items) {
            if (digest.items.size() < kDigestItemsMax)
                digest.items.push_back(entry);
            else
                ++digest.unlisted;
        }
    }
    // A digest that is merged again gets a new id, because a server may have accepted the old one without our
    // knowledge.
    std::string_view newest = mails.empty() ? std::string_view{} : std::string_view{mails.back().id};
    if (newest.starts_with("digest.")) newest = newest.substr(newest.find('.', 7) + 1);
    digest.id = fmt::format("digest.{}.{}", digest.items.size() + digest.unlisted, newest);
    return digest;
}

std::vector<std::string> envelope_of(const std::vector<config::MailAddress>& to) {
    std::vector<std::string> addresses;
    for (const auto& one : to) addresses.push_back(one.address);
    return addresses;
}

std::vector<std::string> texts_of(const std::vector<config::MailAddress>& to) {
    std::vector<std::string> texts;
    for (const auto& one : to) texts.push_back(config::to_text(one));
    return texts;
}

std::string subject_of(const Mail& mail) {
    if (mail.items.size() == 1 && mail.unlisted == 0) return mail.items.front().subject;
    return fmt::format("[{}] {} alerts in one digest", mail.router_id, mail.items.size() + mail.unlisted);
}

std::string render_message(const Mail& mail, const MailHost& host) {
    const WallTime at = mail.items.empty() ? mail.queued : mail.items.back().at;
    const std::string body = body_of(mail, host);
    std::string text;
    text += "Date: " + rfc5322_date(at, host.utc_offset_s) + "\r\n";
    text += "From: " + in_header(mail.from) + "\r\n";
    text += "Subject: " + header_text(subject_of(mail)) + "\r\n";
    text += "X-Mailer: Keepalived\r\n";  // users' filters match it
    text += "To: " + recipients(mail.to) + "\r\n";
    text +=
        fmt::format("Message-ID: <{}@{}>\r\n", mail.id, id_part(host.host_name.empty() ? "localhost" : host.host_name));
    if (is_ascii(body)) return text + "\r\n" + body;
    return text +
           "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
           base64_lines(body);
}

}  // namespace mainstay::alert
