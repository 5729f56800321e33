#include "discover_http.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <thread>
#include <utility>

#include "mainstay/alert/http.hpp"
#include "mainstay/config/registry.hpp"

namespace mainstay::cli {
namespace {

volatile std::sig_atomic_t stop_asked = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): of a handler

void on_stop(int) { stop_asked = 1; }

struct Answer {
    RegistryReply reply;
    const RegistryRequest* request = nullptr;
    bool too_long = false;
};

std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& answer = *static_cast<Answer*>(self);
    const std::string_view piece{bytes, size * count};
    if (answer.request->piece) {
        if (answer.request->piece(piece)) return piece.size();
        answer.reply.cut = true;
        return 0;
    }
    answer.too_long = answer.reply.body.size() + piece.size() > config::kRegistryBytesMax;
    if (answer.too_long) return 0;
    answer.reply.body += piece;
    return piece.size();
}

// "Name: value"; the value without blanks around it.
std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& reply = static_cast<Answer*>(self)->reply;
    const std::string_view line{bytes, size * count};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return line.size();
    std::string name{line.substr(0, colon)};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0) value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0) value.remove_suffix(1);
    if (name == "x-consul-index") reply.index = value;
    if (name == "x-consul-knownleader") reply.known_leader = value;
    if (name == "x-consul-lastcontact") reply.last_contact = value;
    return line.size();
}

int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return stop_asked; }

}  // namespace

bool asked_to_stop() { return stop_asked != 0; }

void watch_for_stop() {
    struct sigaction action{};
    action.sa_handler = &on_stop;
    for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
    (void)std::signal(SIGPIPE, SIG_IGN);
}

bool pause_for(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds kSlice{50};
    for (; time.count() > 0 && !asked_to_stop(); time -= kSlice) std::this_thread::sleep_for(std::min(time, kSlice));
    return !asked_to_stop();
}

struct RegistryHttp::Impl {
    RegistryTls tls;
    alert::Easy easy;
};

RegistryHttp::RegistryHttp(RegistryTls tls) : impl_{std::make_unique<Impl>(Impl{std::move(tls), {}})} {
    static_cast<void>(curl_global_init(CURL_GLOBAL_DEFAULT));  // without it every request fails, and says so
}

RegistryHttp::~RegistryHttp() = default;

Result<RegistryReply> RegistryHttp::perform(const RegistryRequest& request) {
    constexpr long kConnectMs = 5'000;
    if (!impl_->easy) impl_->easy.reset(curl_easy_init());
    CURL* const easy = impl_->easy.get();
    alert::List headers;
    std::vector<std::string> lines = request.headers;
    lines.emplace_back("Expect:");
    bool ready = easy != nullptr;
    for (const auto& line : lines) ready = ready && alert::append(headers, line);
    Answer answer;
    answer.request = &request;
    std::array<char, CURL_ERROR_SIZE> error{};
    const auto set = [&](CURLoption option, auto value) {
        ready = ready && curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const auto set_file = [&](CURLoption option, const std::string& file) {
        if (!file.empty()) set(option, file.c_str());
    };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTPHEADER, headers.get());
    if (request.body) {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
        set(CURLOPT_POSTFIELDS, request.body->c_str());
    }
    set_file(CURLOPT_CAINFO, impl_->tls.ca_file);
    set_file(CURLOPT_SSLCERT, impl_->tls.cert_file);
    set_file(CURLOPT_SSLKEY, impl_->tls.key_file);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.within.count()));
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_ERRORBUFFER, error.data());
    if (!ready) {
        impl_->easy.reset();
        return fail(Errc::Io, "libcurl does not take an option");
    }
    const CURLcode code = curl_easy_perform(easy);
    long status = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        answer.reply.status = static_cast<int>(status);
    curl_easy_reset(easy);  // it keeps the connection
    if (code == CURLE_OPERATION_TIMEDOUT && request.piece && status == 200) answer.reply.cut = true;
    if (answer.too_long)
        return fail(Errc::Invalid, fmt::format("the answer is longer than {} MiB", config::kRegistryBytesMax >> 20U));
    if (code != CURLE_OK && !answer.reply.cut)
        return fail(Errc::Io, error[0] != '\0' ? error.data() : curl_easy_strerror(code));
    return std::move(answer.reply);
}

std::string url_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           std::string_view{"-._~"}.find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

}  // namespace mainstay::cli
