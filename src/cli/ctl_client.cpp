#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <utility>  // Boost 1.74's Asio needs it

#include "ctl.hpp"

namespace mainstay::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds kWithin{10};
constexpr std::uint64_t kAnswerBytesMax = 256U << 20;  // thousands of services with thousands of servers
constexpr std::size_t kSocketPathMax = 107;

// One request and its answer; runs on a loop of its own.
struct Exchange {
    explicit Exchange(asio::io_context& loop) : stream{loop} { parser.body_limit(kAnswerBytesMax); }

    void start(const local::endpoint& at) {
        stream.expires_after(kWithin);
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
    http::request<http::empty_body> request;
    http::response_parser<http::string_body> parser;
    error_code error;
};

}  // namespace

Result<std::string> ask_daemon(const std::string& socket, const std::string& target) {
    if (socket.size() > kSocketPathMax) return fail(Errc::Invalid, "the socket path is too long: " + socket);
    asio::io_context loop;
    Exchange exchange{loop};
    exchange.request.method(http::verb::get);
    exchange.request.target(target);
    exchange.request.version(11);
    exchange.request.set(http::field::host, "localhost");
    exchange.start(local::endpoint{socket});
    loop.run();
    if (exchange.error) {
        const int code = exchange.error.value();
        if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR) {
            return fail(Errc::NotFound, "mainstayd is not running: no answer at " + socket, code);
        }
        if (code == EACCES || code == EPERM) return fail_system("connect to " + socket, code);
        return fail(Errc::Io, "no answer from mainstayd at " + socket + ": " + exchange.error.message(), code);
    }
    auto& response = exchange.parser.get();
    if (response.result() == http::status::forbidden) {
        return fail(Errc::Permission, "mainstayd answers only root, its own account and members of its group");
    }
    if (response.result() != http::status::ok) {
        return fail(Errc::Invalid, "mainstayd answers " + std::to_string(response.result_int()) + " to " + target);
    }
    return std::move(response.body());
}

}  // namespace mainstay::cli
