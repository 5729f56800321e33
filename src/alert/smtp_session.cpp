#include "smtp_session.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "mainstay/base/ip.hpp"
#include "smtp_dialogue.hpp"

namespace mainstay::alert {
namespace {

constexpr long kDialogueMaxS = 900;
constexpr long kTimeoutMaxS = 600;

struct EasyCloser {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;
using List = std::unique_ptr<curl_slist, ListCloser>;

struct Session {
    const std::string& message;
    SessionStop& stop;
    std::size_t uploaded = 0;
    SmtpDialogue dialogue;
    std::array<char, CURL_ERROR_SIZE> error{};
};

List recipients_of(const Mail& mail) {
    List list;
    for (const auto& address : mail.to) {
        curl_slist* longer = curl_slist_append(list.get(), ("<" + address + ">").c_str());
        if (longer == nullptr) return nullptr;
        static_cast<void>(list.release());
        list.reset(longer);
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
    return 0;
}

int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Session*>(self)->stop.stopped() ? 1 : 0;
}

int on_opened(void* self, curl_socket_t socket, curlsocktype) {
    static_cast<SessionStop*>(self)->opened(socket);
    return CURL_SOCKOPT_OK;
}

int on_closing(void* self, curl_socket_t socket) {
    static_cast<SessionStop*>(self)->closing(socket);
    return ::close(socket);
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

bool set_options(CURL* easy, const Transport::Server& server, const Mail& mail, curl_slist* recipients,
                 Session& session) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const auto timeout = static_cast<long>(std::clamp<std::int64_t>(server.timeout.count(), 1, kTimeoutMaxS));
    void* self = &session;
    void* stop = &session.stop;
    return set(CURLOPT_URL, url_of(server).c_str()) && set(CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str()) &&
           set(CURLOPT_MAIL_RCPT, recipients) && set(kAllowRefusedRecipients, 1L) && set(CURLOPT_UPLOAD, 1L) &&
           set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(session.message.size())) &&
           set(CURLOPT_READFUNCTION, &on_upload) && set(CURLOPT_READDATA, self) &&
           set(CURLOPT_SOCKOPTFUNCTION, &on_opened) && set(CURLOPT_SOCKOPTDATA, stop) &&
           set(CURLOPT_CLOSESOCKETFUNCTION, &on_closing) && set(CURLOPT_CLOSESOCKETDATA, stop) &&
           set(CURLOPT_VERBOSE, 1L) && set(CURLOPT_DEBUGFUNCTION, &on_debug) && set(CURLOPT_DEBUGDATA, self) &&
           set(CURLOPT_NOPROGRESS, 0L) && set(CURLOPT_XFERINFOFUNCTION, &on_progress) &&
           set(CURLOPT_XFERINFODATA, self) && set(CURLOPT_ERRORBUFFER, session.error.data()) &&
           set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROXY, "") && set(CURLOPT_CONNECTTIMEOUT, timeout) &&
           set(CURLOPT_SERVER_RESPONSE_TIMEOUT, timeout) && set(CURLOPT_TIMEOUT, kDialogueMaxS);
}

}  // namespace

std::string url_of(const Transport::Server& server) {
    const auto address = IpAddress::parse(server.name);
    const std::string host = address && address->is_v6() ? "[" + server.name + "]" : url_path(server.name);
    return fmt::format("smtp://{}:{}/{}", host, server.port, url_path(server.helo_name));
}

void SessionStop::stop() {
    stopped_ = true;
    const std::lock_guard guard{mutex_};
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
}

void SessionStop::opened(int socket) {
    const std::lock_guard guard{mutex_};
    sockets_.push_back(socket);
    if (stopped_) ::shutdown(socket, SHUT_RDWR);
}

void SessionStop::closing(int socket) {
    const std::lock_guard guard{mutex_};
    std::erase(sockets_, socket);
}

Delivery run_session(const Transport::Server& server, const Mail& mail, const std::string& message, SessionStop& stop) {
    Session session{.message = message, .stop = stop};
    const List recipients = recipients_of(mail);
    const Easy easy{curl_easy_init()};  // closing it sends QUIT, with the same deadline as any step
    if (!easy || !recipients || !set_options(easy.get(), server, mail, recipients.get(), session)) {
        return {.reached = false, .accepted = {}, .never = {}, .text = "libcurl does not take an option"};
    }
    const CURLcode code = curl_easy_perform(easy.get());
    if (code == CURLE_OK) return session.dialogue.outcome(mail.to, "");
    return session.dialogue.outcome(mail.to,
                                    session.error[0] != '\0' ? session.error.data() : curl_easy_strerror(code));
}

}  // namespace mainstay::alert
