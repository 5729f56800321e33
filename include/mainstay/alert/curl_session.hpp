// What the sessions with libcurl share.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mainstay::alert {

struct EasyCloser {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;
using List = std::unique_ptr<curl_slist, ListCloser>;

// False: there is no memory; the list is as before.
[[nodiscard]] bool append(List& list, const std::string& line);

// Ends a session from another thread.
class SessionStop {
public:
    void stop();
    [[nodiscard]] bool stopped() const { return stopped_; }

    // Used by the session: registers the sockets that stop() shuts down. A closed socket must be removed before its
    // number is reused.
    void opened(int socket);
    void closing(int socket);

private:
    std::atomic<bool> stopped_ = false;
    std::mutex mutex_;
    std::vector<int> sockets_;
};

// Lets `stop` end the transfer. False: libcurl does not take an option.
[[nodiscard]] bool set_stop(CURL* easy, SessionStop& stop);

}  // namespace mainstay::alert
