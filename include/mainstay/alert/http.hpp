// Posts to webhooks with libcurl, without blocking the loop: each request runs in a thread of its own, as mails do
// (smtp.hpp), because libcurl's resolver may block.
#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>  // Boost 1.74's Asio needs it
#include <vector>

#include "mainstay/base/error.hpp"
#include "webhooks.hpp"

namespace mainstay::alert {

class Background;
class HttpSession;

class HttpTransport final : public HookTransport {
public:
    // The loop must outlive the transport.
    [[nodiscard]] static Result<std::unique_ptr<HttpTransport>> make(boost::asio::io_context& loop);
    // Cancels what is on its way without waiting for it; no `done` is called any more.
    ~HttpTransport() override;

    // A further request to the same webhook goes over the connection of the one before, if that has ended.
    void post(const Webhook& webhook, const Post& post, std::function<void(HookAnswer)> done) override;
    void keep_connections(const std::vector<std::string>& names) override;

private:
    struct Job;
    using Sessions = std::map<std::string, std::shared_ptr<HttpSession>>;
    explicit HttpTransport(boost::asio::io_context& loop);
    std::unique_ptr<Background> background_;
    boost::asio::io_context& loop_;
    std::vector<std::shared_ptr<Job>> jobs_;
    Sessions sessions_;  // by the webhook's name: of the last request; null while one is on its way
};

// What the sessions with libcurl share.
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
