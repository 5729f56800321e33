#include "server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "connection.hpp"
#include "listener.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "tcp_listeners.hpp"

namespace mainstay::role::http {

using local = boost::asio::local::stream_protocol;
using boost::system::error_code;

struct Server::Impl {
    Impl(boost::asio::io_context& loop, Log& log, const std::string& path, Router router, Authenticator::Clock clock)
        : service{std::make_shared<Service>(loop, log, std::move(router))},
          bound{path},
          tcp{service, std::move(clock)} {}

    void accept() {
        if (!std::exchange(accepts, true)) control->accept();
    }
    [[nodiscard]] std::shared_ptr<Connection> connect(local::socket socket) const {
        auto caller = caller_of(peer_of(socket.native_handle()), ::geteuid(), ::getegid(), operate);
        return make_connection(std::move(socket), service,
                               [caller = std::move(caller)](const Request&) { return caller; });
    }

    [[nodiscard]] static Listener<local>::Client client_of(local::socket& socket) {
        const auto peer = peer_of(socket.native_handle());
        if (!peer) return {.source = "an unknown account"};
        return {.source = fmt::format("uid {}", peer->uid), .has_own_places = has_own_places(*peer, ::geteuid())};
    }

    std::shared_ptr<Service> service;
    kernel::BoundPath bound;
    bool accepts = false;
    bool operate = false;
    std::shared_ptr<Listener<local>> control;
    TcpListeners tcp;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

Server::~Server() {
    impl_->service->stopped = true;
    impl_->tcp.close();
    impl_->control->close();
    impl_->bound.remove();
}

Result<std::unique_ptr<Server>> Server::open(boost::asio::io_context& loop, Log& log, const std::string& path,
                                             UniqueFd listening, Router router, Authenticator::Clock clock) {
    const bool has_clients = static_cast<bool>(listening);
    if (!listening) {
        auto fd = listen_at(path);
        if (!fd) return error_of(fd, "status socket");
        listening = std::move(*fd);
    }
    local::acceptor acceptor{loop};
    error_code ec;
    acceptor.assign(local{}, listening.get(), ec);
    if (ec) return fail(Errc::Io, "status socket " + path + ": " + ec.message(), ec.value());
    [[maybe_unused]] const int owned = listening.release();
    auto impl = std::make_unique<Impl>(loop, log, path, std::move(router), std::move(clock));
    impl->control = std::make_shared<Listener<local>>(
        impl->service, std::move(acceptor), path,
        Listener<local>::Ways{
            .connect = [own = impl.get()](local::socket socket) { return own->connect(std::move(socket)); },
            .client_of = Impl::client_of});
    if (!has_clients) impl->accept();
    return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

void Server::set(const ipc::ApiSettings& settings) {
    impl_->operate = settings.operate;
    impl_->tcp.set(settings);
    impl_->accept();
}

void Server::take(ipc::ApiFile::What what, Result<std::string> text) { impl_->tcp.take(what, std::move(text)); }

void Server::retry() { impl_->tcp.retry(); }

void Server::pause() { impl_->control->pause(); }

void Server::resume() { impl_->control->accept(); }

void Server::leave() { impl_->bound = {}; }

int Server::control_socket() const { return impl_->control->socket(); }

bool Server::serves() const { return impl_->control->serves(); }

void Server::wake_streams() { impl_->service->wake_streams(); }

report::ApiStatus Server::status() const {
    return {.listeners = impl_->tcp.status(), .counters = impl_->service->counters};
}

bool Service::add_stream(const std::shared_ptr<Connection>& stream, bool has_own_places) {
    std::erase_if(streams, [](const Stream& one) { return one.connection.expired(); });
    const auto beside = std::ranges::count(streams, has_own_places, &Stream::has_own_places);
    if (static_cast<std::size_t>(beside) < kStreamsMax) {
        streams.push_back({stream, has_own_places});
        return true;
    }
    if (is_worth_a_line(++counters.streams_refused))
        log.warning("more than {} clients follow the events: one is refused ({} so far)", kStreamsMax,
                    counters.streams_refused);
    return false;
}

void Service::wake_streams() {
    for (const auto& stream : std::vector{streams})
        if (const auto held = stream.connection.lock()) held->wake();
}

bool Service::is_worth_a_line(std::uint64_t count) { return std::has_single_bit(count); }

namespace {

constexpr mode_t kSocketMode = 0660;
constexpr std::size_t kGroupsMax = 65'536;  // the kernel's NGROUPS_MAX

}  // namespace

Result<Peer> peer_of(int socket) {
    const auto credentials = kernel::peer_of(socket);
    if (!credentials) return error_of(credentials);
    Peer peer{.uid = credentials->uid, .pid = credentials->pid, .gids = {credentials->gid}};
    std::vector<gid_t> groups(64);
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
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

bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid) {
    return peer.uid == 0 || peer.uid == own_uid || std::ranges::find(peer.gids, own_gid) != peer.gids.end();
}

bool has_own_places(const Peer& peer, std::uint32_t own_uid) { return peer.uid == 0 || peer.uid == own_uid; }

Caller caller_of(const Result<Peer>& peer, std::uint32_t own_uid, std::uint32_t own_gid, bool operate) {
    if (!peer) return {};
    Caller caller{.name = fmt::format("uid {}, pid {}", peer->uid, peer->pid),
                  .rights = Rights::Nothing,
                  .has_own_places = has_own_places(*peer, own_uid)};
    if (!may_read(*peer, own_uid, own_gid)) return caller;
    caller.rights = operate ? Rights::Operate : peer->uid == 0 ? Rights::Mail : Rights::Read;
    return caller;
}

Result<UniqueFd> listen_at(const std::string& path) {
    const std::string temporary = path + ".new";
    const auto at = kernel::unix_address(temporary);
    if (!at) return error_of(at);
    ::unlink(temporary.c_str());
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fail_system("socket for " + path, errno);
    const bool ok = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0 &&
                    ::chmod(temporary.c_str(), kSocketMode) == 0 && ::listen(fd.get(), SOMAXCONN) == 0 &&
                    ::rename(temporary.c_str(), path.c_str()) == 0;
    if (ok) return fd;
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail_system("listen at " + path, error);
}

}  // namespace mainstay::role::http
