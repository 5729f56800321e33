// Posts to webhooks with libcurl, without blocking the loop: each request runs in a thread of its own, as mails do
// (smtp.hpp), because libcurl's resolver may block.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
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

}  // namespace mainstay::alert
