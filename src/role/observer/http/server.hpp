// The API's server: its control socket, and its TCP listeners when mainstay.toml names some.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>  // Boost 1.74's Asio needs it
#include <vector>

#include "authenticator.hpp"
#include "exchange.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/api.hpp"
#include "router.hpp"

namespace mainstay::role::http {

class Server {
public:
    // Listens at the control socket. Its owner, its group and root may connect. `listening`: the socket of the server
    // before, which has left it; clients that wait there are served from the first set() on. -1: none.
    [[nodiscard]] static Result<std::unique_ptr<Server>> open(boost::asio::io_context& loop, Log& log,
                                                              const std::string& path, UniqueFd listening,
                                                              Router router, Authenticator::Clock clock);
    ~Server();  // closes all connections
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // The settings: which TCP listeners there are, whether callers may change something. At first there is none, and
    // they may not. The files that the settings name follow, each with its text or why it cannot be used.
    void set(const ipc::ApiSettings& settings);
    void take(ipc::ApiFile::What what, Result<std::string> text);
    void retry();  // to listen where it was not possible
    // Clients of the control socket wait in its queue, until resume().
    void pause();
    void resume();
    void leave();  // the control socket's path stays when this server ends
    [[nodiscard]] int control_socket() const;
    [[nodiscard]] bool serves() const;  // a client of the control socket is connected
    // The history has new events.
    void wake_streams();
    [[nodiscard]] report::ApiStatus status() const;

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// What the listeners of the API share: the routes, the counters, the clients that follow events.
class Connection {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    virtual void start() = 0;
    virtual void wake() = 0;   // there are new events for its stream
    virtual void close() = 0;  // at once, whatever it does
};

// Owned by the server; connections hold it, too, so that they can end after it.
struct Service {
    Service(boost::asio::io_context& on, Log& to, Router with) : loop{on}, log{to}, router{std::move(with)} {}

    // False: there are kStreamsMax already, which is counted; root's are counted by themselves (`has_own_places`).
    [[nodiscard]] bool add_stream(const std::shared_ptr<Connection>& stream, bool has_own_places);
    void wake_streams();
    // For a line that strangers can cause: at the 1st, 2nd, 4th, 8th ... time.
    [[nodiscard]] static bool is_worth_a_line(std::uint64_t count);

    boost::asio::io_context& loop;
    Log& log;
    Router router;
    report::ApiCounters counters;
    struct Stream {
        std::weak_ptr<Connection> connection;
        bool has_own_places;
    };
    std::vector<Stream> streams;
    bool stopped = false;
};

// The unix socket of the API, and who is at its other end.
struct Peer {
    std::uint32_t uid = 0;
    std::int32_t pid = 0;
    std::vector<std::uint32_t> gids;  // primary and supplementary
};
[[nodiscard]] Result<Peer> peer_of(int socket);
// True for root, the server's own account, and members of its group.
[[nodiscard]] bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid);
// True for root and the server's own account: no other account takes their places.
[[nodiscard]] bool has_own_places(const Peer& peer, std::uint32_t own_uid);
// `operate`: those who may read may also change something; otherwise root may at least handle the mails.
[[nodiscard]] Caller caller_of(const Result<Peer>& peer, std::uint32_t own_uid, std::uint32_t own_gid, bool operate);

// Listens at `path`, replacing the socket of an earlier incarnation: clients find the old or the new one, never none.
// The socket is for its owner and its group (0660); root needs no permission.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

}  // namespace mainstay::role::http
