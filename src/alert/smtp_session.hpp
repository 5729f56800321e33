// One blocking SMTP dialogue with libcurl. Private to the alert module.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "mainstay/alert/mailer.hpp"

namespace mainstay::alert {

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

// The server that libcurl connects to, and the name it sends in HELO: smtp://HOST:PORT/HELO.
[[nodiscard]] std::string url_of(const Transport::Server& server);

// Returns when the dialogue has ended, a step has timed out, or `stop` was called (a name lookup may go on for some
// seconds after that).
[[nodiscard]] Delivery run_session(const Transport::Server& server, const Mail& mail, const std::string& message,
                                   SessionStop& stop);

}  // namespace mainstay::alert
