// Accepts connections of one listening socket, as many at a time as the limits allow.
#pragma once

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server.hpp"

namespace mainstay::role::http {

template <class Protocol>
class Listener : public std::enable_shared_from_this<Listener<Protocol>> {
public:
    using Socket = typename Protocol::socket;
    using Acceptor = typename Protocol::acceptor;
    // Whose connection it is, known before it counts.
    struct Client {
        std::string source;           // has kConnectionsOfSourceMax of them
        bool has_own_places = false;  // which all others leave free; the source does not matter then
    };
    struct Ways {
        std::function<std::shared_ptr<Connection>(Socket)> connect;
        std::function<Client(Socket&)> client_of;
    };

    Listener(std::shared_ptr<Service> service, Acceptor acceptor, std::string name, Ways ways)
        : service_{std::move(service)},
          acceptor_{std::move(acceptor)},
          pause_{service_->loop},
          name_{std::move(name)},
          ways_{std::move(ways)} {}

    void accept() {
        paused_ = false;
        acceptor_.async_accept([weak = this->weak_from_this()](boost::system::error_code ec, Socket socket) {
            const auto self = weak.lock();
            if (!self || ec == boost::asio::error::operation_aborted) return;
            if (ec) return self->accept_later();
            self->serve(std::move(socket));
            if (!self->paused_) self->accept();
        });
    }

    // Clients wait in the socket's queue, until accept() is called again.
    void pause() {
        paused_ = true;
        boost::system::error_code ignored;
        acceptor_.cancel(ignored);
        pause_.cancel(ignored);
    }

    [[nodiscard]] int socket() { return acceptor_.native_handle(); }
    [[nodiscard]] bool serves() const {
        return std::ranges::any_of(connections_, [](const Live& one) { return !one.connection.expired(); });
    }

    // Closes the listening socket and all connections.
    void close() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel(ignored);
        close_connections();
    }

    void close_connections() {
        for (const auto& one : connections_)
            if (const auto held = one.connection.lock()) held->close();
        connections_.clear();
    }

private:
    struct Live {
        std::weak_ptr<Connection> connection;
        Client client;
    };

    void accept_later() {
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([weak = this->weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (self && !ec) self->accept();
        });
    }

    void serve(Socket socket) {
        std::erase_if(connections_, [](const Live& one) { return one.connection.expired(); });
        Client client = ways_.client_of(socket);
        std::size_t beside = 0, same = 0;
        for (const auto& one : connections_) {
            if (one.client.has_own_places != client.has_own_places) continue;
            ++beside;
            if (one.client.source == client.source) ++same;
        }
        const bool of_one = !client.has_own_places && same >= kConnectionsOfSourceMax;
        if (of_one || beside >= kConnectionsMax) {
            ++service_->counters.connections_refused;
            if (Service::is_worth_a_line(++refused_))
                service_->log.warning("more than {} connections to {}{}{}: one is closed ({} so far)",
                                      of_one ? kConnectionsOfSourceMax : kConnectionsMax, name_, of_one ? " from " : "",
                                      of_one ? client.source : "", refused_);
            return;
        }
        auto connection = ways_.connect(std::move(socket));
        connections_.push_back({connection, std::move(client)});
        connection->start();
    }

    std::shared_ptr<Service> service_;
    Acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::string name_;
    Ways ways_;
    std::vector<Live> connections_;
    std::uint64_t refused_ = 0;
    bool paused_ = false;
};

}  // namespace mainstay::role::http
