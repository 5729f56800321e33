#include "mainstay/alert/curl_session.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace mainstay::alert {
namespace {

int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<SessionStop*>(self)->stopped() ? 1 : 0;
}

int on_opened(void* self, curl_socket_t socket, curlsocktype) {
    static_cast<SessionStop*>(self)->opened(socket);
    return CURL_SOCKOPT_OK;
}

int on_closing(void* self, curl_socket_t socket) {
    static_cast<SessionStop*>(self)->closing(socket);
    return ::close(socket);
}

}  // namespace

bool append(List& list, const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(longer);
    return true;
}

bool set_stop(CURL* easy, SessionStop& stop) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    void* const self = &stop;
    return set(CURLOPT_SOCKOPTFUNCTION, &on_opened) && set(CURLOPT_SOCKOPTDATA, self) &&
           set(CURLOPT_CLOSESOCKETFUNCTION, &on_closing) && set(CURLOPT_CLOSESOCKETDATA, self) &&
           set(CURLOPT_NOPROGRESS, 0L) && set(CURLOPT_XFERINFOFUNCTION, &on_progress) &&
           set(CURLOPT_XFERINFODATA, self);
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

}  // namespace mainstay::alert
