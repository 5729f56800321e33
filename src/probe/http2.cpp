#include "http2.hpp"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mainstay::probe {
namespace {

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
    // nghttp2 copies both, and takes no const.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

struct SessionCallbacks {
    nghttp2_session_callbacks* all = nullptr;
    SessionCallbacks() {
        if (nghttp2_session_callbacks_new(&all) != 0) all = nullptr;
    }
    ~SessionCallbacks() { nghttp2_session_callbacks_del(all); }
    SessionCallbacks(const SessionCallbacks&) = delete;
    SessionCallbacks& operator=(const SessionCallbacks&) = delete;
};

}  // namespace

// Callbacks of nghttp2, whose user data is the client.
struct Http2Client::Callbacks {
    static Http2Client& self(void* user) { return *static_cast<Http2Client*>(user); }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        Http2Client& client = self(user);
        if (frame->hd.stream_id != client.stream_) return 0;
        client.header_bytes_ += name_size + value_size;
        if (client.header_bytes_ > kHttp2HeadersMax) {
            client.problem_ = fmt::format("the header is longer than {} bytes", kHttp2HeadersMax);
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        const std::string_view field = text_of(name, name_size), text = text_of(value, value_size);
        if (field == ":status") {
            std::uint16_t status = 0;
            std::from_chars(text.data(), text.data() + text.size(), status);
            client.status_ = status;  // a final one replaces 1xx
        } else {
            client.fields_.emplace_back(field, text);
        }
        return 0;
    }

    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes, std::size_t size,
                       void* user) {
        Http2Client& client = self(user);
        if (stream != client.stream_) return 0;
        const std::uint64_t room = client.request_.answer_max - client.answer_bytes_;
        const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, room));
        client.answer_bytes_ += taken;
        if (client.body_ && taken > 0) client.body_(text_of(bytes, taken));
        if (taken == size) return 0;
        client.is_cut_ = client.done_ = true;
        return NGHTTP2_ERR_PAUSE;  // what follows in these bytes is not looked at
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Client& client = self(user);
        if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id < client.stream_) {
            client.problem_ =
                fmt::format("the server takes no requests: {}", nghttp2_http2_strerror(frame->goaway.error_code));
            client.done_ = true;
        }
        if (frame->hd.stream_id == client.stream_ && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
            (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
            client.done_ = true;
        return 0;
    }

    static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
        Http2Client& client = self(user);
        if (stream != client.stream_) return 0;
        if (error != NGHTTP2_NO_ERROR && client.problem_.empty() && !client.done_)
            client.problem_ = fmt::format("the stream was reset: {}", nghttp2_http2_strerror(error));
        client.done_ = true;
        return 0;
    }

    static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                             nghttp2_data_source* source, void*) {
        Http2Client& client = self(source->ptr);
        const std::size_t part = std::min(size, client.request_.body.size() - client.sent_);
        std::memcpy(into, client.request_.body.data() + client.sent_, part);
        client.sent_ += part;
        if (client.sent_ == client.request_.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(part);
    }
};

Result<std::unique_ptr<Http2Client>> Http2Client::make(Http2Request request, Body body) {
    std::unique_ptr<Http2Client> client{new Http2Client{std::move(request), std::move(body)}};
    const SessionCallbacks callbacks;
    if (callbacks.all == nullptr) return fail(Errc::Limit, "no memory for HTTP/2");
    nghttp2_session_callbacks_set_on_header_callback(callbacks.all, Callbacks::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks.all, Callbacks::on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks.all, Callbacks::on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks.all, Callbacks::on_close);
    if (nghttp2_session_client_new(&client->session_, callbacks.all, client.get()) != 0)
        return fail(Errc::Limit, "no memory for HTTP/2");
    const nghttp2_settings_entry settings[]{{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHttp2HeadersMax}};
    if (nghttp2_submit_settings(client->session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) != 0)
        return fail(Errc::Limit, "no memory for HTTP/2");
    const Http2Request& wanted = client->request_;
    std::vector<nghttp2_nv> fields{pair_of(":method", wanted.method), pair_of(":scheme", wanted.scheme),
                                   pair_of(":authority", wanted.authority), pair_of(":path", wanted.path)};
    for (const auto& [name, value] : wanted.fields) fields.push_back(pair_of(name, value));
    nghttp2_data_provider source{};
    source.source.ptr = client.get();
    source.read_callback = Callbacks::read_body;
    client->stream_ = nghttp2_submit_request(client->session_, nullptr, fields.data(), fields.size(),
                                             wanted.body.empty() ? nullptr : &source, nullptr);
    if (client->stream_ < 0)
        return fail(Errc::Invalid, fmt::format("HTTP/2 request: {}", nghttp2_strerror(client->stream_)));
    return client;
}

Http2Client::~Http2Client() { nghttp2_session_del(session_); }

std::string Http2Client::output() {
    std::string bytes;
    for (;;) {
        const std::uint8_t* part = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_, &part);
        if (size <= 0) return bytes;
        bytes.append(text_of(part, static_cast<std::size_t>(size)));
    }
}

Result<void> Http2Client::feed(std::string_view bytes) {
    if (auto sound = check_beginning(bytes); !sound) return sound;
    const ssize_t taken =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken >= 0) return {};
    if (!problem_.empty()) return fail(Errc::Limit, problem_);
    return fail(Errc::Invalid, fmt::format("no HTTP/2: {}", nghttp2_strerror(static_cast<int>(taken))));
}

// RFC 9113 section 3.4: the server's first frame is SETTINGS. nghttp2 reports anything else only at the end of the
// connection, so it is checked here.
Result<void> Http2Client::check_beginning(std::string_view bytes) {
    constexpr std::size_t kFrameHead = 9, kTypeAt = 3;
    constexpr std::string_view kOld = "HTTP/1.";
    if (beginning_.size() >= kFrameHead) return {};
    beginning_ += bytes.substr(0, kFrameHead - beginning_.size());
    if (beginning_.starts_with(kOld)) return fail(Errc::Invalid, "the server speaks HTTP/1, not HTTP/2");
    if (kOld.starts_with(std::string_view{beginning_}.substr(0, kOld.size()))) return {};
    if (beginning_.size() > kTypeAt && beginning_[kTypeAt] != NGHTTP2_SETTINGS)
        return fail(Errc::Invalid, "no HTTP/2: the server does not begin with its settings");
    return {};
}

std::string Http2Client::field(std::string_view name) const {
    for (auto at = fields_.rbegin(); at != fields_.rend(); ++at)
        if (at->first == name) return at->second;
    return {};
}

}  // namespace mainstay::probe
