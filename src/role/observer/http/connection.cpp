#include "connection.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/ssl.hpp>

#include <array>
#include <iterator>
#include <optional>
#include <type_traits>

#include "event_feed.hpp"
#include "exchange.hpp"

namespace mainstay::role::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using local = asio::local::stream_protocol;
// One type for TCP and for sockets in the file system: for each type the templates of Beast are compiled once more.
using generic = asio::generic::stream_protocol;
using PlainStream = beast::basic_stream<generic>;
using TlsStream = beast::ssl_stream<PlainStream>;

constexpr unsigned kHttp10 = 10, kHttp11 = 11;  // as Beast has them

bool is_plain_http(error_code ec) {
    return ec.category() == asio::error::get_ssl_category() &&
           ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST;
}

template <class Stream>
class ConnectionOver final : public Connection, public std::enable_shared_from_this<ConnectionOver<Stream>> {
public:
    template <class... Args>
    ConnectionOver(std::shared_ptr<Service> service, Identify identify, Args&&... args)
        : service_{std::move(service)},
          identify_{std::move(identify)},
          stream_{std::forward<Args>(args)...},
          timer_{service_->loop} {
        parser_.header_limit(static_cast<std::uint32_t>(kHeaderBytesMax));
        parser_.body_limit(kBodyBytesMax);
    }

    void start() override {
        lowest().expires_after(kRequestWithin);
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](error_code ec) {
                if (!ec) return self->read();
                ++self->service_->counters.requests_refused;
                if (is_plain_http(ec)) self->refuse_plain_http();
            });
        } else {
            read();
        }
    }

    void wake() override {
        if (feed_ && !writing_) pump();
    }

    void close() override {
        feed_.reset();
        error_code ignored;
        timer_.cancel(ignored);
        lowest().socket().close(ignored);
    }

private:
    auto& lowest() { return beast::get_lowest_layer(stream_); }

    void read() {
        beast::http::async_read(
            stream_, buffer_, parser_,
            [self = this->shared_from_this()](error_code ec, std::size_t) { self->on_request(ec); });
    }

    void on_request(error_code ec) {
        if (ec) return on_no_request(ec);
        if (service_->stopped) return respond(refusal(503, "mainstayd is stopping", "ask again later"));
        head_ = parser_.get().method() == beast::http::verb::head;
        auto read = request_of(parser_.get());
        if (auto* no = std::get_if<Answer>(&read)) {
            ++service_->counters.requests_refused;
            return respond(std::move(*no));
        }
        auto& request = std::get<Request>(read);
        auto caller = identify_(request);
        if (auto* no = std::get_if<Answer>(&caller)) return respond(std::move(*no));
        request.caller = std::move(std::get<Caller>(caller));
        has_own_places_ = request.caller.has_own_places;
        hand_over(std::move(request));
    }

    void on_no_request(error_code ec) {
        if (ec == beast::http::error::end_of_stream || ec == asio::error::operation_aborted) return;
        ++service_->counters.requests_refused;
        auto no = refusal_of(ec, !parser_.get().target().empty());
        if (!no) return;
        has_unread_ = true;
        respond(std::move(*no));
    }

    // The answer may come later. Whichever is first counts: it, or the end of the time for it.
    void hand_over(Request request) {
        timer_.expires_after(kRelayedWithin);
        timer_.async_wait([weak = this->weak_from_this()](error_code ec) {
            const auto self = weak.lock();
            if (!ec && self) self->respond(refusal(504, "no answer in time", "see the log"));
        });
        service_->router.answer(std::move(request),
                                [self = this->shared_from_this()](Answer answer) { self->respond(std::move(answer)); });
    }

    void respond(Answer answer) {
        if (std::exchange(responded_, true)) return;
        error_code ignored;
        timer_.cancel(ignored);
        ++service_->counters.requests;
        if (answer.feed && !head_ && !service_->add_stream(this->shared_from_this(), has_own_places_))
            answer = refusal(503, "too many clients follow the events", "close another one, or poll");
        chunked_ = answer.rest && parser_.get().version() == kHttp11;
        part_ = header_of(answer, chunked_);
        if (!head_) feed_ = std::move(answer.feed);
        if (!head_ && !feed_) body_ = std::move(answer.body);
        if (!head_) rest_ = std::move(answer.rest);
        lowest().expires_after(kAnswerWithin);
        writing_ = true;
        write_parts();
    }

    // What is in part_, and then the next one until there is none.
    void write_parts() {
        asio::async_write(stream_, asio::buffer(part_), [self = this->shared_from_this()](error_code ec, std::size_t) {
            self->part_ = ec ? std::string{} : self->next_part();
            if (self->part_.empty()) return self->on_written(ec);
            self->write_parts();
        });
    }

    // The body, then what follows it. Without chunks the end of the connection is the end of the answer.
    std::string next_part() {
        auto piece = std::exchange(body_, {});
        while (piece.empty() && rest_) {
            auto next = rest_->next();
            if (!next) rest_.reset();
            if (!next && chunked_) return chunk_of({});
            piece = std::move(next).value_or(std::string{});
        }
        return chunked_ && !piece.empty() ? chunk_of(std::move(piece)) : piece;
    }

    void on_written(error_code ec) {
        writing_ = false;
        if (feed_ && !ec) {
            lowest().expires_never();
            watch_for_end();
            return pump();
        }
        if (feed_ && ec == beast::error::timeout) ++service_->counters.streams_dropped;
        end();
    }

    void end() {
        feed_.reset();
        lowest().expires_after(kRequestWithin);  // for all that follows, however slowly the client sends
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->end_sending(); });
        } else {
            end_sending();
        }
    }

    // A connection that is closed with bytes unread is reset, and the client may lose the answer.
    void end_sending() {
        error_code ignored;
        lowest().socket().shutdown(asio::socket_base::shutdown_send, ignored);
        if (has_unread_) linger();
    }

    void linger() {
        lowest().async_read_some(asio::buffer(unread_),
                                 [self = this->shared_from_this()](error_code ec, std::size_t size) {
                                     self->lingered_ += size;
                                     if (!ec && self->lingered_ <= kLingerBytesMax) self->linger();
                                 });
    }

    // Of a browser that was given http:// instead of https://. What it sent has been read as TLS, and is lost.
    void refuse_plain_http() {
        const auto no = refusal(400, "this port speaks TLS only", "ask for https:// instead of http://");
        part_ = header_of(no) + no.body;
        lowest().expires_after(kAnswerWithin);
        asio::async_write(lowest(), asio::buffer(part_), [self = this->shared_from_this()](error_code, std::size_t) {
            self->has_unread_ = true;
            self->end_sending();
        });
    }

    // A client that follows events says nothing more; that it has gone is seen by reading.
    void watch_for_end() {
        stream_.async_read_some(asio::buffer(unread_), [self = this->shared_from_this()](error_code ec, std::size_t) {
            if (!self->feed_) return;
            if (!ec) return self->watch_for_end();
            self->feed_.reset();
            self->close();
        });
    }

    void pump() {
        piece_ = feed_->next();
        if (piece_.empty()) return wait();
        write_piece();
    }

    void wait() {
        timer_.expires_after(kHeartbeatEvery);
        timer_.async_wait([self = this->shared_from_this()](error_code ec) {
            if (ec || !self->feed_ || self->writing_ || self->is_early()) return;
            self->piece_ = kHeartbeat;
            self->write_piece();
        });
    }

    void write_piece() {
        error_code ignored;
        timer_.cancel(ignored);
        writing_ = true;
        watch_slowness();
        asio::async_write(stream_, asio::buffer(piece_), [self = this->shared_from_this()](error_code ec, std::size_t) {
            self->writing_ = false;
            error_code none;
            self->timer_.cancel(none);
            if (!self->feed_) return;
            if (!ec) return self->pump();
            self->feed_.reset();
            self->close();
        });
    }

    // A timer of its own: the stream's would end the read that waits for the client to go as well.
    void watch_slowness() {
        timer_.expires_after(kAnswerWithin);
        timer_.async_wait([self = this->shared_from_this()](error_code ec) {
            if (ec || !self->feed_ || !self->writing_ || self->is_early()) return;
            if (Service::is_worth_a_line(++self->service_->counters.streams_dropped))
                self->service_->log.warning(
                    "a client that follows the events reads too slowly: it is cut off ({} so far)",
                    self->service_->counters.streams_dropped);
            self->feed_.reset();
            self->close();
        });
    }

    // The timer was set anew after this wake-up had been queued.
    [[nodiscard]] bool is_early() const { return timer_.expiry() > std::chrono::steady_clock::now(); }

    std::shared_ptr<Service> service_;
    Identify identify_;
    Stream stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
    beast::http::request_parser<beast::http::string_body> parser_;
    std::string part_, body_;  // what is being written; what follows it
    std::shared_ptr<Generator<std::string>> rest_;
    std::shared_ptr<EventFeed> feed_;
    std::string piece_;
    std::array<char, 1024> unread_{};
    std::size_t lingered_ = 0;
    bool head_ = false, chunked_ = false, responded_ = false, writing_ = false, has_unread_ = false,
         has_own_places_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_connection(local::socket socket, std::shared_ptr<Service> service, Identify identify) {
    return std::make_shared<ConnectionOver<PlainStream>>(std::move(service), std::move(identify),
                                                         generic::socket{std::move(socket)});
}

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, std::shared_ptr<Service> service,
                                            Identify identify) {
    return std::make_shared<ConnectionOver<PlainStream>>(std::move(service), std::move(identify),
                                                         generic::socket{std::move(socket)});
}

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket,
                                            const std::shared_ptr<asio::ssl::context>& tls,
                                            std::shared_ptr<Service> service, Identify identify) {
    // The stream holds a reference of its own to OpenSSL's context (SSL_new).
    return std::make_shared<ConnectionOver<TlsStream>>(std::move(service), std::move(identify),
                                                       generic::socket{std::move(socket)}, *tls);
}

namespace {

namespace beast_http = boost::beast::http;
using beast_http::field;

// The page has its scripts and styles in files of its own, and no other page may frame it.
constexpr std::string_view kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

std::string text_of(const BeastRequest& message, field name) {
    const auto value = message[name];
    return {value.data(), value.size()};
}

std::string text_of(const BeastRequest& message, const char* name) {
    const auto value = message[name];
    return {value.data(), value.size()};
}

// Twice the same field could be read as either.
bool has_twice(const BeastRequest& message, field name) { return message.count(name) > 1; }

}  // namespace

std::variant<Request, Answer> request_of(const BeastRequest& message) {
    const std::string_view target{message.target().data(), message.target().size()};
    if (target.size() > kTargetBytesMax) return refusal(414, "the target is too long", "it may have 2048 bytes");
    if (message.version() != kHttp11 && message.version() != kHttp10)
        return refusal(505, "another version than HTTP/1.1", "use HTTP/1.1");
    Request request;
    if (message.method() == beast_http::verb::post)
        request.method = Method::Post;
    else if (message.method() != beast_http::verb::get && message.method() != beast_http::verb::head) {
        auto answer = refusal(405, "another method than GET, HEAD and POST", "reads are GET, changes are POST");
        answer.fields.emplace_back("Allow", "GET, HEAD, POST");
        return answer;
    }
    auto read = wire::http_target(target);
    if (!read)
        return refusal(400, "the target cannot be read: " + read.error().text(),
                       "escape as %XX what is no letter, digit, '-', '.', '_' or '~'");
    for (const field once : {field::host, field::authorization, field::origin, field::content_type})
        if (has_twice(message, once)) return refusal(400, "a field that is there twice", "send each field once");
    request.target = std::move(*read);
    if (request.method == Method::Post && !request.target.query.empty())
        return refusal(400, "a change takes nothing from its target", "what it is to do stands in its body");
    request.is_http10 = message.version() == kHttp10;
    request.accept = text_of(message, field::accept);
    request.content_type = text_of(message, field::content_type);
    request.last_event_id = text_of(message, "Last-Event-ID");
    request.host = text_of(message, field::host);
    request.origin = text_of(message, field::origin);
    request.fetch_site = text_of(message, "Sec-Fetch-Site");
    request.authorization = text_of(message, field::authorization);
    request.body = message.body();
    return request;
}

std::string header_of(const Answer& answer, bool chunked) {
    const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(answer.status));
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, std::string_view{reason.data(), reason.size()});
    const auto add = [&text](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
    };
    add("Server", "mainstay");
    add("Content-Type", answer.content_type);
    add("Cache-Control", "no-store");
    add("Content-Security-Policy", kPolicy);
    add("X-Content-Type-Options", "nosniff");
    add("Referrer-Policy", "no-referrer");
    add("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : answer.fields) add(name, value);
    add("Connection", "close");
    if (chunked) add("Transfer-Encoding", "chunked");
    if (!answer.feed && !answer.rest) add("Content-Length", std::to_string(answer.body.size()));
    return text + "\r\n";
}

std::string chunk_of(std::string piece) {
    piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
    return std::move(piece) + "\r\n";
}

std::optional<Answer> refusal_of(boost::system::error_code why, bool has_target) {
    using beast_http::error;
    if (why.category() != beast_http::make_error_code(error::end_of_stream).category()) return std::nullopt;
    if (why == error::end_of_stream || why == error::partial_message) return std::nullopt;
    if (why == error::body_limit) return refusal(413, "the body is too large", "it may have 16384 bytes");
    if (why == error::header_limit || why == error::buffer_overflow) {
        if (!has_target) return refusal(414, "the target is too long", "it may have 2048 bytes");
        return refusal(431, "the header is too large", "it may have 8192 bytes");
    }
    return refusal(400, "this is not an HTTP request", "speak HTTP/1.1");
}

}  // namespace mainstay::role::http
