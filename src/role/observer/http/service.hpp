// What the listeners of the API share: the routes, the counters, the clients that follow events.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>  // Boost 1.74's Asio needs it

#include <memory>
#include <string>
#include <vector>

#include "limits.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/report/api.hpp"
#include "router.hpp"

namespace mainstay::role::http {

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

}  // namespace mainstay::role::http
