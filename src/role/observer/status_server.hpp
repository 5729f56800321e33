// An HTTP server on a unix socket that serves the status. It answers one request per connection and limits the number
// of connections, the size of a request and the time it may take.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>  // Boost 1.74's Asio needs it

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

inline constexpr std::size_t kConnectionsMax = 32;
inline constexpr std::size_t kRequestBytesMax = 8 * 1024;

// Who is at the other end of a unix socket.
struct Peer {
    std::uint32_t uid = 0;
    std::vector<std::uint32_t> gids;  // primary and supplementary
};
// True for root, the server's own account, and members of its group.
[[nodiscard]] bool may_read(const Peer& peer, std::uint32_t own_uid, std::uint32_t own_gid);

class StatusServer {
public:
    struct Answer {
        unsigned status = 200;
        std::string body;  // JSON
    };
    using Handler = std::function<Answer(const std::string& target)>;

    // Listens at `path`, replacing the socket of an earlier incarnation. Any process may connect; one that may not read
    // gets 403.
    [[nodiscard]] static Result<std::unique_ptr<StatusServer>> open(boost::asio::io_context& loop, Log& log,
                                                                    const std::string& path, Handler handler);
    ~StatusServer();

private:
    struct Impl;
    explicit StatusServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace mainstay::role
