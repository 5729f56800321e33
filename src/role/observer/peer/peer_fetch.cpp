#include "peer_fetch.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>

#include "mainstay/alert/curl_session.hpp"

namespace mainstay::role {

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
