#include "mainstay/alert/http.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "http_session.hpp"
#include "mainstay/alert/background.hpp"

namespace mainstay::alert {

namespace asio = boost::asio;

struct HttpTransport::Job {
    Webhook webhook;
    Post post;
    std::function<void(HookAnswer)> done;  // only touched on the loop
    std::shared_ptr<HttpSession> session;
    HookAnswer answer;   // of the thread, until it has ended
    bool ended = false;  // only touched on the loop
};

HttpTransport::HttpTransport(asio::io_context& loop) : background_{std::make_unique<Background>(loop)}, loop_{loop} {}

Result<std::unique_ptr<HttpTransport>> HttpTransport::make(asio::io_context& loop) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fail(Errc::Io, "libcurl cannot be initialised");
    return std::unique_ptr<HttpTransport>{new HttpTransport{loop}};
}

HttpTransport::~HttpTransport() {
    background_.reset();
    for (const auto& job : jobs_) {
        if (job->session) job->session->stop();
        job->ended = true;  // a queued result is discarded
    }
}

void HttpTransport::post(const Webhook& webhook, const Post& post, std::function<void(HookAnswer)> done) {
    std::erase_if(jobs_, [](const auto& job) { return job->ended; });
    const auto job = std::make_shared<Job>();
    job->webhook = webhook;
    job->post = post;
    job->done = std::move(done);
    auto& kept = sessions_[webhook.name];
    job->session = kept ? std::exchange(kept, nullptr) : std::make_shared<HttpSession>();
    jobs_.push_back(job);
    const auto finish = [this, job] {
        if (std::exchange(job->ended, true)) return;
        sessions_[job->webhook.name] = std::exchange(job->session, nullptr);
        std::exchange(job->done, nullptr)(job->answer);
    };
    const auto started = background_->run([job] { job->answer = job->session->post(job->webhook, job->post); }, finish);
    if (started) return;
    job->answer.text = started.error().text();
    asio::post(loop_, finish);
}

void HttpTransport::keep_connections(const std::vector<std::string>& names) {
    for (auto at = sessions_.begin(); at != sessions_.end();) {
        if (std::ranges::find(names, at->first) != names.end()) {
            ++at;
            continue;
        }
        // In a thread: the end of a TLS connection may take a while. Where there is none, here.
        if (auto session = std::exchange(at->second, nullptr))
            static_cast<void>(background_->run([session = std::move(session)]() mutable { session.reset(); }, [] {}));
        at = sessions_.erase(at);
    }
}

}  // namespace mainstay::alert
