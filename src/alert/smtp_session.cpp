#include "smtp_session.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/text.hpp"

namespace mainstay::alert {
namespace {

constexpr long kDialogueMaxS = 900;
constexpr long kTimeoutMaxS = 600;

struct Session {
    const std::string& message;
    SessionStop& stop;
    SmtpTranscript* transcript = nullptr;
    std::size_t uploaded = 0;
    SmtpDialogue dialogue;
    std::array<char, CURL_ERROR_SIZE> error{};
};

List recipients_of(const Mail& mail) {
    List list;
    for (const auto& address : mail.to) {
        if (!append(list, "<" + address.address + ">")) return nullptr;
    }
    return list;
}

// Only characters that are safe in the path of the URL, from which libcurl takes the HELO name.
std::string url_path(const std::string& name) {
    std::string out;
    for (const char c : name) {
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '.' || c == '_' || c == '[' || c == ']' || c == ':';
        if (safe) out += c;
    }
    return out.empty() ? "localhost" : out;
}

int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
    auto& session = *static_cast<Session*>(self);
    if (type == CURLINFO_HEADER_OUT) session.dialogue.sent({data, size});
    if (type == CURLINFO_HEADER_IN) session.dialogue.received({data, size});
    if (session.transcript == nullptr) return 0;
    if (type == CURLINFO_HEADER_OUT) session.transcript->sent({data, size});
    if (type == CURLINFO_HEADER_IN) session.transcript->received({data, size});
    if (type == CURLINFO_TEXT) session.transcript->noted({data, size});
    if (type == CURLINFO_DATA_OUT) session.transcript->message(session.message.size());
    return 0;
}

std::size_t on_upload(char* out, std::size_t size, std::size_t count, void* self) {
    auto& session = *static_cast<Session*>(self);
    const std::size_t piece = std::min(size * count, session.message.size() - session.uploaded);
    std::memcpy(out, session.message.data() + session.uploaded, piece);
    session.uploaded += piece;
    return piece;
}

#if LIBCURL_VERSION_NUM >= 0x080200
constexpr auto kAllowRefusedRecipients = CURLOPT_MAIL_RCPT_ALLOWFAILS;
#else
constexpr auto kAllowRefusedRecipients = CURLOPT_MAIL_RCPT_ALLLOWFAILS;
#endif

// Encrypted or not at all: a relay that does not offer TLS gets neither mail nor password.
bool set_security(CURL* easy, const Transport::Server& server) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const long use = server.tls == Transport::Server::Tls::Off ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    if (!set(CURLOPT_USE_SSL, use) || !set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)))
        return false;
    if (!server.ca_file.empty() && !set(CURLOPT_CAINFO, server.ca_file.c_str())) return false;
    if (server.user.empty() || server.tls == Transport::Server::Tls::Off) return true;
    return set(CURLOPT_USERNAME, server.user.c_str()) && set(CURLOPT_PASSWORD, server.password.c_str());
}

bool set_options(CURL* easy, const Transport::Server& server, const Mail& mail, curl_slist* recipients,
                 Session& session) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const auto timeout = static_cast<long>(std::clamp<std::int64_t>(server.timeout.count(), 1, kTimeoutMaxS));
    void* self = &session;
    return set(CURLOPT_URL, url_of(server).c_str()) &&
           set(CURLOPT_MAIL_FROM, ("<" + mail.from.address + ">").c_str()) && set(CURLOPT_MAIL_RCPT, recipients) &&
           set(kAllowRefusedRecipients, 1L) && set(CURLOPT_UPLOAD, 1L) &&
           set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(session.message.size())) &&
           set(CURLOPT_READFUNCTION, &on_upload) && set(CURLOPT_READDATA, self) && set(CURLOPT_VERBOSE, 1L) &&
           set(CURLOPT_DEBUGFUNCTION, &on_debug) && set(CURLOPT_DEBUGDATA, self) &&
           set(CURLOPT_ERRORBUFFER, session.error.data()) && set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROXY, "") &&
           set(CURLOPT_CONNECTTIMEOUT, timeout) && set(CURLOPT_SERVER_RESPONSE_TIMEOUT, timeout) &&
           set(CURLOPT_TIMEOUT, kDialogueMaxS) && set_stop(easy, session.stop) && set_security(easy, server);
}

}  // namespace

std::string url_of(const Transport::Server& server) {
    const auto percent = server.name.find('%');  // before the interface of a link-local address
    const std::string text = server.name.substr(0, percent);
    const auto address = IpAddress::parse(text);
    std::string host = url_path(server.name);
    if (address && address->is_v6())
        host = percent == std::string::npos ? fmt::format("[{}]", text)
                                            : fmt::format("[{}%25{}]", text, url_path(server.name.substr(percent + 1)));
    const char* scheme = server.tls == Transport::Server::Tls::Implicit ? "smtps" : "smtp";
    return fmt::format("{}://{}:{}/{}", scheme, host, server.port, url_path(server.helo_name));
}

Delivery run_session(const Transport::Server& server, const Mail& mail, const std::string& message, SessionStop& stop,
                     SmtpTranscript* transcript) {
    Session session{.message = message, .stop = stop, .transcript = transcript};
    if (transcript != nullptr) transcript->begin(server.user, server.password);
    const List recipients = recipients_of(mail);
    const Easy easy{curl_easy_init()};  // closing it sends QUIT, with the same deadline as any step
    if (!easy || !recipients || !set_options(easy.get(), server, mail, recipients.get(), session)) {
        return {.reached = false, .accepted = {}, .never = {}, .text = "libcurl does not take an option"};
    }
    const CURLcode code = curl_easy_perform(easy.get());
    const auto to = envelope_of(mail.to);
    if (code == CURLE_OK) return session.dialogue.outcome(to, "");
    return session.dialogue.outcome(to, session.error[0] != '\0' ? session.error.data() : curl_easy_strerror(code));
}

namespace {

constexpr std::size_t kExchangesMax = 10'000;
constexpr int kClosing = 421;  // RFC 5321 4.2.2: may come in answer to anything
constexpr int kGoOn = 354;

bool good(int code) { return code >= 200 && code < 400; }
bool permanent(int code) { return code >= 500 && code < 600; }

}  // namespace

void SmtpDialogue::sent(std::string_view bytes) {
    if (exchanges_.size() >= kExchangesMax) return;
    std::string verb{bytes.substr(0, 4)};
    std::ranges::transform(verb, verb.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    exchanges_.push_back({.verb = std::move(verb), .code = 0, .text = {}});
}

void SmtpDialogue::received(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\n') {
            reply_line(partial_);
            partial_.clear();
        } else if (c != '\r' && partial_.size() < kReplyLineBytesMax) {
            partial_ += c;
        }
    }
}

void SmtpDialogue::reply_line(std::string_view line) {
    if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit)) return;
    if (line.size() > 3 && line[3] == '-') return;  // more lines of this reply follow
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    // The message itself is no command: the reply after 354 belongs to its end.
    if (exchanges_.back().code == kGoOn) exchanges_.push_back({.verb = ".", .code = 0, .text = {}});
    exchanges_.back().code = code;
    exchanges_.back().text = line;
}

Delivery SmtpDialogue::outcome(const std::vector<std::string>& recipients, const std::string& failure) const {
    Delivery delivery{.reached = false, .accepted = {}, .never = {}, .text = failure};
    std::vector<std::string> open;
    std::size_t recipient = 0;
    const Exchange* last = nullptr;  // before QUIT, which is always sent
    for (const auto& step : exchanges_) {
        if (step.verb == "QUIT") break;
        last = &step;
        if (step.code == kClosing) {
            delivery.text = step.text;
            delivery.reached = false;
            return delivery;
        }
        const bool refused = step.code != 0 && !good(step.code);
        if (refused && step.verb != "EHLO") delivery.text = step.text;  // an old server; HELO comes next
        if (step.verb == "MAIL" && step.code != 0) {
            delivery.reached = true;  // it is taking mails; what follows is about this one
            if (permanent(step.code)) delivery.never = recipients;
        } else if (step.verb == "RCPT" && recipient < recipients.size()) {
            if (good(step.code)) open.push_back(recipients[recipient]);
            if (permanent(step.code)) delivery.never.push_back(recipients[recipient]);
            ++recipient;
        } else if ((step.verb == "DATA" || step.verb == ".") && permanent(step.code)) {
            delivery.never.insert(delivery.never.end(), open.begin(), open.end());
            open.clear();
        } else if (step.verb == "." && good(step.code)) {
            delivery.accepted = open;
        }
    }
    // An interrupted dialogue counts against the server, not against the mail.
    if (!failure.empty() && (last == nullptr || last->code == 0 || last->code == kGoOn)) delivery.reached = false;
    if (delivery.text.empty() && last != nullptr) delivery.text = last->text;
    return delivery;
}

}  // namespace mainstay::alert
