#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <optional>
#include <utility>  // Boost 1.74's Asio needs it

#include "ctl.hpp"
#include "json_view.hpp"

namespace mainstay::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds kExchangeWithin{10};
constexpr std::size_t kSocketPathMax = 107;
constexpr const char* kNotForYou = "mainstayd answers only root, its own account and members of its group";

// One request and its answer; runs on a loop of its own.
struct Exchange {
    explicit Exchange(asio::io_context& loop) : stream{loop} { parser.body_limit(kAnswerBytesMax); }

    void start(const local::endpoint& at) {
        stream.expires_after(kExchangeWithin);
        stream.async_connect(at, [this](error_code ec) {
            error = ec;
            if (error) return;
            http::async_write(stream, request, [this](error_code written, std::size_t) {
                error = written;
                if (error) return;
                http::async_read(stream, buffer, parser, [this](error_code read, std::size_t) { error = read; });
            });
        });
    }

    beast::basic_stream<local> stream;
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::response_parser<http::string_body> parser;
    error_code error;
};

// The text of {"error":"..."}; empty for any other body.
std::string problem_in(std::string_view body) {
    const auto object = json_object(body);
    return object ? text(*object, "error") : std::string{};
}

// The body of a 200.
Result<std::string> body_of(const std::string& socket, Exchange& exchange) {
    if (exchange.error) {
        const int code = exchange.error.value();
        if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR) {
            return fail(Errc::NotFound, "mainstayd is not running: no answer at " + socket, code);
        }
        // The socket's permissions or the daemon itself may say so.
        if (code == EACCES || code == EPERM) return fail(Errc::Permission, kNotForYou);
        return fail(Errc::Io, "no answer from mainstayd at " + socket + ": " + exchange.error.message(), code);
    }
    auto& response = exchange.parser.get();
    if (response.result() == http::status::ok) return std::move(response.body());
    auto problem = problem_in(response.body());
    if (response.result() == http::status::forbidden) {
        const bool changes = exchange.request.method() == http::verb::post && !problem.empty();
        return fail(Errc::Permission, changes ? problem + ": ask as root" : kNotForYou);
    }
    if (!problem.empty()) return fail(Errc::Invalid, std::move(problem));
    return fail(Errc::Invalid, "mainstayd answers " + std::to_string(response.result_int()) + " to " +
                                   std::string{exchange.request.target()});
}

Result<std::string> exchange_with(const std::string& socket, const std::string& target,
                                  const std::optional<std::string>& body) {
    if (socket.size() > kSocketPathMax) return fail(Errc::Invalid, "the socket path is too long: " + socket);
    asio::io_context loop;
    Exchange exchange{loop};
    exchange.request.method(body ? http::verb::post : http::verb::get);
    exchange.request.target(target);
    exchange.request.version(11);
    exchange.request.set(http::field::host, "localhost");
    if (body) {
        exchange.request.set(http::field::content_type, "application/json");
        exchange.request.body() = *body;
        exchange.request.prepare_payload();
    }
    exchange.start(local::endpoint{socket});
    loop.run();
    return body_of(socket, exchange);
}

}  // namespace

Result<std::string> ask_daemon(const std::string& socket, const std::string& target) {
    return exchange_with(socket, target, std::nullopt);
}

Result<std::string> send_command(const std::string& socket, const std::string& target, const std::string& body) {
    return exchange_with(socket, target, body);
}

}  // namespace mainstay::cli
