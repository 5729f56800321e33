// A receiver of webhooks on loopback, in the test's own loop: it keeps what is posted to it, and answers.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mainstay::role::test {

class HookReceiver {
public:
    explicit HookReceiver(boost::asio::io_context& loop)
        : acceptor_{loop, {boost::asio::ip::address_v4::loopback(), 0}} {
        accept();
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook";
    }
    std::vector<std::string> bodies;
    std::string status = "200 OK";

private:
    using tcp = boost::asio::ip::tcp;
    struct Client {
        explicit Client(tcp::socket from) : socket{std::move(from)} {}
        tcp::socket socket;
        std::string text, reply;
    };

    void accept() {
        acceptor_.async_accept([this](boost::system::error_code ec, tcp::socket socket) {
            if (ec) return;
            read(std::make_shared<Client>(std::move(socket)));
            accept();
        });
    }
    void read(const std::shared_ptr<Client>& client) {
        boost::asio::async_read_until(
            client->socket, boost::asio::dynamic_buffer(client->text), "\r\n\r\n",
            [this, client](boost::system::error_code ec, std::size_t header) {
                if (ec) return;
                constexpr std::string_view kLength = "Content-Length: ";
                const auto at = client->text.find(kLength);
                const std::size_t whole = header + std::stoul(client->text.substr(at + kLength.size()));
                const std::size_t missing = whole - std::min(whole, client->text.size());
                boost::asio::async_read(client->socket, boost::asio::dynamic_buffer(client->text),
                                        boost::asio::transfer_exactly(missing),
                                        [this, client, header](boost::system::error_code failed, std::size_t) {
                                            if (!failed) answer(client, header);
                                        });
            });
    }
    void answer(const std::shared_ptr<Client>& client, std::size_t header) {
        bodies.push_back(client->text.substr(header));
        client->text.clear();
        client->reply = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
        boost::asio::async_write(client->socket, boost::asio::buffer(client->reply),
                                 [this, client](boost::system::error_code ec, std::size_t) {
                                     if (!ec) read(client);
                                 });
    }

    tcp::acceptor acceptor_;
};

}  // namespace mainstay::role::test
