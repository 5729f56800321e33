#include "mainstay/alert/http.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>

#include "mainstay/alert/background.hpp"
#include "mainstay/alert/webhooks.hpp"

namespace mainstay::alert {

// Blocking HTTP requests to one receiver with libcurl. Private to the alert module.
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

namespace {

constexpr long kConnectMaxS = 10, kRequestMaxS = 30;
constexpr std::size_t kAnswerBytesMax = std::size_t{64} * 1024;  // what the receiver says beside its status is not read

// The status is all that counts; an answer without end is cut.
std::size_t on_answer(char*, std::size_t size, std::size_t count, void* self) {
    auto& had = *static_cast<std::size_t*>(self);
    had += size * count;
    return had > kAnswerBytesMax ? 0 : size * count;
}

List headers_of(const Webhook& webhook, const Post& post) {
    List list;
    std::vector<std::string> lines = webhook.headers;
    lines.push_back("Content-Type: " + post.content_type);
    lines.push_back(fmt::format("Idempotency-Key: \"{}\"", post.id));
    lines.emplace_back("User-Agent: mainstay");
    lines.emplace_back("Expect:");  // no waiting for 100
    for (const auto& line : lines)
        if (!append(list, line)) return nullptr;
    return list;
}

bool set_options(CURL* easy, const Webhook& webhook, const Post& post, curl_slist* headers, SessionStop& stop,
                 std::size_t& had, char* error) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    if (!webhook.ca_file.empty() && !set(CURLOPT_CAINFO, webhook.ca_file.c_str())) return false;
    return set(CURLOPT_URL, webhook.url.c_str()) && set(CURLOPT_POST, 1L) &&
           set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size())) &&
           set(CURLOPT_POSTFIELDS, post.body.c_str()) && set(CURLOPT_HTTPHEADER, headers) &&
           set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) && set(CURLOPT_FOLLOWLOCATION, 0L) &&
           set(CURLOPT_WRITEFUNCTION, &on_answer) && set(CURLOPT_WRITEDATA, static_cast<void*>(&had)) &&
           set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) && set(CURLOPT_ERRORBUFFER, error) &&
           set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROXY, "") && set(CURLOPT_CONNECTTIMEOUT, kConnectMaxS) &&
           set(CURLOPT_TIMEOUT, kRequestMaxS) && set_stop(easy, stop);
}

}  // namespace

HookAnswer HttpSession::post(const Webhook& webhook, const Post& post) {
    std::array<char, CURL_ERROR_SIZE> error{};
    std::size_t had = 0;
    const List headers = headers_of(webhook, post);
    if (!easy_) easy_.reset(curl_easy_init());
    if (!easy_ || !headers || !set_options(easy_.get(), webhook, post, headers.get(), stop_, had, error.data())) {
        easy_.reset();
        return {.status = 0, .text = "libcurl does not take an option"};
    }
    const CURLcode code = curl_easy_perform(easy_.get());
    long status = 0;
    const bool known = curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status) == CURLE_OK;
    curl_easy_reset(easy_.get());  // it keeps the connection, and nothing of this function
    // A long answer is cut after its status; any other failure may have cut the status of an interim answer only.
    if (known && (code == CURLE_OK || (code == CURLE_WRITE_ERROR && had > kAnswerBytesMax)))
        return {.status = static_cast<int>(status), .text = {}};
    return {.status = 0, .text = error[0] != '\0' ? error.data() : curl_easy_strerror(code)};
}

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
