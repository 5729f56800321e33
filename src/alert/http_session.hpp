// Blocking HTTP requests to one receiver with libcurl. Private to the alert module.
#pragma once

#include "mainstay/alert/curl_session.hpp"
#include "mainstay/alert/webhooks.hpp"

namespace mainstay::alert {

// Keeps the connection between two requests. One request at a time, each in any thread; destroying it may wait for the
// peer of a TLS connection.
class HttpSession {
public:
    HttpSession() = default;
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;
    ~HttpSession() = default;

    // Returns when the answer is there, a deadline has passed, or stop() was called (a name lookup may go on for some
    // seconds after that).
    [[nodiscard]] HookAnswer post(const Webhook& webhook, const Post& post);
    void stop() { stop_.stop(); }  // from any thread

private:
    SessionStop stop_;  // outlives the connections of easy_, which report their end to it
    Easy easy_;
};

}  // namespace mainstay::alert
