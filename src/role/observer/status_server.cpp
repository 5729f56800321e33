#include "status_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <optional>

namespace mainstay::role {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds kRequestWithin{5}, kAnswerWithin{10};
constexpr std::chrono::milliseconds kAcceptPause{200};  // out of descriptors: the pending connection stays pending
constexpr mode_t kSocketMode = 0666;                    // the peer's credentials decide
constexpr std::size_t kSocketPathMax = 100;             // sun_path has 108, the temporary name is longer
constexpr std::size_t kGroupsMax = 65'536;              // the kernel's NGROUPS_MAX

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return fail_system("SO_PEERCRED", errno);
    Peer peer{.uid = credentials.uid, .gids = {credentials.gid}};
    std::vector<gid_t> groups(64);
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    if (got != 0 && errno == ERANGE && size <= kGroupsMax * sizeof(gid_t)) {  // the kernel says how many there are
        groups.resize(size / sizeof(gid_t));
        got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    }
    if (got == 0) {
        groups.resize(std::min<std::size_t>(size / sizeof(gid_t), groups.size()));
        peer.gids.insert(peer.gids.end(), groups.begin(), groups.end());
    }
    return peer;
}

// One connection: reads a request, answers, closes.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(local::socket socket, std::function<StatusServer::Answer(const http::request<http::empty_body>&)> answer)
        : stream_{std::move(socket)}, answer_{std::move(answer)} {
        parser_.header_limit(static_cast<std::uint32_t>(kRequestBytesMax));
        parser_.body_limit(0);
    }

    void start() {
        stream_.expires_after(kRequestWithin);
        http::async_read(stream_, buffer_, parser_, [self = shared_from_this()](error_code ec, std::size_t) {
            if (!ec) return self->respond(self->answer_(self->parser_.get()));
            // A timeout or a closed connection needs no answer; bytes that are not HTTP get one.
            if (ec.category() == http::make_error_code(http::error::end_of_stream).category() &&
                ec != http::error::end_of_stream && ec != http::error::partial_message) {
                self->respond({400, "{\"error\":\"not an HTTP request without a body\"}\n"});
            }
        });
    }

private:
    void respond(StatusServer::Answer answer) {
        response_.version(11);
        response_.result(answer.status);
        response_.set(http::field::server, "mainstay");
        response_.set(http::field::content_type, "application/json");
        response_.set(http::field::cache_control, "no-store");
        response_.keep_alive(false);
        response_.body() = std::move(answer.body);
        response_.prepare_payload();
        stream_.expires_after(kAnswerWithin);
        http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
            error_code ignored;
            self->stream_.socket().shutdown(local::socket::shutdown_send, ignored);
        });
    }

    beast::basic_stream<local> stream_;
    beast::flat_buffer buffer_{kRequestBytesMax};
    http::request_parser<http::empty_body> parser_;
    http::response<http::string_body> response_;
    std::function<StatusServer::Answer(const http::request<http::empty_body>&)> answer_;
};

// Bound under another name and renamed: clients find the old socket or the new one, never none.
Result<int> listen_at(const std::string& path) {
    if (path.size() > kSocketPathMax) return fail(Errc::Invalid, "the socket path is too long: " + path);
    const std::string temporary = path + ".new";
    ::unlink(temporary.c_str());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fail_system("socket for " + path, errno);
    const local::endpoint at{temporary};
    const bool ok = ::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0 &&
                    ::chmod(temporary.c_str(), kSocketMode) == 0 && ::listen(fd, SOMAXCONN) == 0 &&
                    ::rename(temporary.c_str(), path.c_str()) == 0;
    if (ok) return fd;
    const int error = errno;
    ::close(fd);
    ::unlink(temporary.c_str());
    return fail_system("listen at " + path, error);
}

}  // namespace

bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid) {
    return peer.uid == 0 || peer.uid == own_uid || std::ranges::find(peer.gids, own_gid) != peer.gids.end();
}

struct StatusServer::Impl : std::enable_shared_from_this<StatusServer::Impl> {
    Impl(asio::io_context& loop, Log& to, std::string at, Handler with)
        : acceptor{loop}, pause{loop}, log{to}, path{std::move(at)}, handler{std::move(with)} {}

    void accept() {
        acceptor.async_accept([weak = weak_from_this()](error_code ec, local::socket socket) {
            const auto self = weak.lock();
            if (!self || ec == asio::error::operation_aborted) return;
            if (ec) return self->accept_later();
            self->serve(std::move(socket));
            self->accept();
        });
    }

    void accept_later() {
        pause.expires_after(kAcceptPause);
        pause.async_wait([weak = weak_from_this()](error_code ec) {
            const auto self = weak.lock();
            if (self && !ec) self->accept();
        });
    }

    void serve(local::socket socket) {
        std::erase_if(sessions, [](const std::weak_ptr<Session>& session) { return session.expired(); });
        if (sessions.size() >= kConnectionsMax) {
            ++refused;
            log.warning("more than {} connections to {}: one is closed ({} so far)", kConnectionsMax, path, refused);
            return;
        }
        auto peer = peer_of(socket.native_handle());
        const bool allowed = peer && may_read(*peer, ::geteuid(), ::getegid());
        auto session = std::make_shared<Session>(
            std::move(socket), [weak = weak_from_this(), allowed](const http::request<http::empty_body>& request) {
                const auto self = weak.lock();
                if (!self) return Answer{503, "{\"error\":\"stopping\"}\n"};
                return self->answer(request, allowed);
            });
        sessions.push_back(session);
        session->start();
    }

    Answer answer(const http::request<http::empty_body>& request, bool allowed) const {
        if (!allowed) {
            return {403, "{\"error\":\"only root, the service account and members of its group may read this\"}\n"};
        }
        if (request.method() != http::verb::get) return {405, "{\"error\":\"only GET\"}\n"};
        return handler(std::string{request.target()});
    }

    local::acceptor acceptor;
    asio::steady_timer pause;
    Log& log;
    std::string path;
    Handler handler;
    std::vector<std::weak_ptr<Session>> sessions;
    std::uint64_t refused = 0;
};

StatusServer::StatusServer(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}

StatusServer::~StatusServer() {
    error_code ignored;
    impl_->acceptor.close(ignored);
    ::unlink(impl_->path.c_str());
}

Result<std::unique_ptr<StatusServer>> StatusServer::open(asio::io_context& loop, Log& log, const std::string& path,
                                                         Handler handler) {
    auto fd = listen_at(path);
    if (!fd) return std::unexpected{std::move(fd.error()).with("status socket")};
    auto impl = std::make_shared<Impl>(loop, log, path, std::move(handler));
    error_code ec;
    impl->acceptor.assign(local{}, *fd, ec);
    if (ec) {
        ::close(*fd);
        return fail(Errc::Io, "status socket " + path + ": " + ec.message(), ec.value());
    }
    impl->accept();
    return std::unique_ptr<StatusServer>{new StatusServer{std::move(impl)}};
}

}  // namespace mainstay::role
