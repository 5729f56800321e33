#include "peer.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mainstay/alert/http.hpp"
#include "mainstay/wire/http_request.hpp"
#include "role/observer/http/router.hpp"

namespace mainstay::role {
namespace {

using What = ipc::ApiFile::What;

constexpr std::string_view kSecure = "https://", kOpen = "http://", kPath = "/api/v1/status";
constexpr unsigned kBadGateway = 502, kUnavailable = 503;
constexpr long kOk = 200, kUnauthorized = 401, kForbidden = 403;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<std::string> peer_status_url(const std::string& peer) {
    const bool is_open = peer.starts_with(kOpen);
    if (!is_open && !peer.starts_with(kSecure))
        return fail(Errc::Invalid, "it begins with neither https:// nor http://");
    std::string_view host = peer;
    host.remove_prefix(is_open ? kOpen.size() : kSecure.size());
    while (host.ends_with('/')) host.remove_suffix(1);
    if (host.empty() || !is_printable(host) || host.find_first_of("/@?#\\") != std::string_view::npos)
        return fail(Errc::Invalid, "it is not https:// with a host and a port");
    // A token over a wire that is not encrypted would be everybody's.
    const bool is_local = host.starts_with("127.") || host == "[::1]" || host.starts_with("[::1]:");
    if (is_open && !(is_local && host.find_first_not_of("0123456789.:[]") == std::string_view::npos))
        return fail(Errc::Invalid, "http:// is for loopback addresses only");
    return fmt::format("{}{}{}", is_open ? kOpen : kSecure, host, kPath);
}

Result<std::string> peer_token(const std::string& text) {
    std::string token = text.substr(0, text.find('\n'));
    if (token.ends_with('\r')) token.pop_back();
    if (token.empty() || !is_printable(token)) return fail(Errc::Invalid, "its first line is no token");
    return token;
}

http::Answer answer_from_peer(const std::string& peer, const PeerAnswer& answer) {
    if (answer.status == kOk) {
        http::Answer got;
        got.body = answer.body;
        return got;
    }
    if (answer.status == kUnauthorized || answer.status == kForbidden)
        return http::refusal(kBadGateway, fmt::format("the peer {} refuses the token (status {})", peer, answer.status),
                             "see [api] peer_token in mainstay.toml, and the peer's credentials");
    if (answer.status != 0)
        return http::refusal(kBadGateway, fmt::format("the peer {} answers with status {}", peer, answer.status),
                             "see whether [api] peer is the address of its API");
    return http::refusal(kBadGateway, fmt::format("the peer {} does not answer: {}", peer, answer.problem),
                         "see whether it runs, and [api] peer and peer_ca in mainstay.toml");
}

void Peer::set(const ipc::ApiSettings& settings) {
    ++number_;
    peer_ = settings.peer;
    request_ = {};
    problem_.clear();
    last_.reset();
    reading_ = false;
    for (auto& done : std::exchange(waiting_, {}))
        done(http::refusal(kUnavailable, "the settings of the peer have changed meanwhile", "ask again"));
    if (peer_.empty()) return;
    auto url = peer_status_url(peer_);
    if (url)
        request_.url = std::move(*url);
    else
        problem_ = fmt::format("[api] peer {}: {}", peer_, url.error().text());
}

void Peer::take(What what, const Result<std::string>& text) {
    if (what != What::PeerToken && what != What::PeerCa) return;
    const bool is_token = what == What::PeerToken;
    const auto value = is_token && text ? peer_token(*text) : text;
    if (value)
        (is_token ? request_.token : request_.ca) = *value;
    else
        problem_ = fmt::format("[api] {}: {}", is_token ? "peer_token" : "peer_ca", value.error().text());
}

void Peer::ask(http::Done done) {
    if (peer_.empty()) return done({.status = 200, .body = "{}", .fields = {}, .feed = {}});  // no peer is no fault
    if (!problem_.empty()) return done(http::refusal(kBadGateway, problem_, "see mainstay.toml(5), [api]"));
    if (last_ && now_() - last_at_ < kPeerReadEvery) return done(*last_);
    if (waiting_.size() >= kPeerReadersMax)
        return done(http::refusal(kUnavailable, "too many wait for the peer's answer", "ask again later"));
    waiting_.push_back(std::move(done));
    if (std::exchange(reading_, true)) return;
    const auto number = number_;
    const auto started = fetch_(request_, [this, number](const PeerAnswer& answer) { on_answer(number, answer); });
    if (!started) on_answer(number, {.status = 0, .problem = started.error().text(), .body = {}});
}

void Peer::on_answer(std::uint64_t number, const PeerAnswer& answer) {
    if (number != number_) return;
    reading_ = false;
    last_ = answer_from_peer(peer_, answer);
    last_at_ = now_();
    for (auto& done : std::exchange(waiting_, {})) done(*last_);
}

namespace {

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& body = *static_cast<std::string*>(self);
    if (body.size() + size * count > kPeerBytesMax) return 0;  // an error, which ends the transfer
    body.append(data, size * count);
    return size * count;
}

// Redirections are not followed: the token is for this address alone.
bool set_options(CURL* easy, const PeerRequest& request, curl_slist* fields, PeerAnswer& answer, char* error) {
    const auto set = [easy](CURLoption option, auto value) {
        return curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const curl_blob ca{const_cast<char*>(request.ca.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast): copied
                       request.ca.size(), CURL_BLOB_COPY};
    void* body = &answer.body;
    return set(CURLOPT_URL, request.url.c_str()) && set(CURLOPT_PROTOCOLS_STR, "http,https") &&
           set(CURLOPT_HTTPHEADER, fields) && set(CURLOPT_WRITEFUNCTION, &on_body) && set(CURLOPT_WRITEDATA, body) &&
           set(CURLOPT_ERRORBUFFER, error) && set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROXY, "") &&
           set(CURLOPT_TIMEOUT, static_cast<long>(kPeerWithin.count())) &&
           set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
           (request.ca.empty() || set(CURLOPT_CAINFO_BLOB, &ca));
}

PeerAnswer fetch(const PeerRequest& request) {
    PeerAnswer answer;
    const alert::Easy easy{curl_easy_init()};
    alert::List fields;
    std::array<char, CURL_ERROR_SIZE> error{};
    const bool has_fields = request.token.empty() || alert::append(fields, "Authorization: Bearer " + request.token);
    const bool is_ready = easy && has_fields && set_options(easy.get(), request, fields.get(), answer, error.data());
    const CURLcode done = is_ready ? curl_easy_perform(easy.get()) : CURLE_OUT_OF_MEMORY;
    if (done == CURLE_OK) {
        curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
        return answer;
    }
    answer.problem = done == CURLE_WRITE_ERROR ? fmt::format("its answer is larger than {} bytes", kPeerBytesMax)
                     : error[0] != '\0'        ? error.data()
                                               : curl_easy_strerror(done);
    answer.body.clear();
    return answer;
}

}  // namespace

Result<void> PeerFetch::get(PeerRequest request, std::function<void(PeerAnswer)> done) {
    const auto answer = std::make_shared<PeerAnswer>();
    return background_.run([answer, request = std::move(request)] { *answer = fetch(request); },
                           [answer, done = std::move(done)] { done(std::move(*answer)); });
}

}  // namespace mainstay::role
