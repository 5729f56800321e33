// A system bus for one client, in the test's own process: it gives out names, and keeps what it hears.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role::test {

class FakeBus {
public:
    using Strings = std::vector<std::string>;
    Strings heard;  // "RequestName org.keepalived.Vrrp1", "/path VrrpStarted", "/path VrrpStatusChange 2"
    std::uint32_t name_result = 1;  // the answer to RequestName: 1 owner, 3 somebody else has it
    std::string name_error;         // instead of it

    FakeBus() : path_{folder() + "/bus"} { ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path_).c_str(), 1); }
    ~FakeBus() {
        close();
        std::filesystem::remove_all(std::filesystem::path{path_}.parent_path());
    }
    FakeBus(const FakeBus&) = delete;
    FakeBus& operator=(const FakeBus&) = delete;

    void open() {
        std::filesystem::remove(path_);
        listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path_.copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(listener_.get(), 4) == 0);
    }
    // Ends the connection, and nobody can connect any more.
    void close() {
        drop();
        listener_.reset();
        std::filesystem::remove(path_);
    }
    void drop() { bus_.reset(); }
    [[nodiscard]] bool connected() const { return bus_ != nullptr && sd_bus_is_open(bus_.get()) > 0; }

    // Serves the bus and the client's loop until it holds.
    void until(boost::asio::io_context& loop, const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!holds()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            serve();
            loop.restart();
            loop.run_for(std::chrono::milliseconds{2});
        }
    }
    // Calls a method or reads a property; the answer's strings and numbers, or the name of the error.
    std::string call(boost::asio::io_context& loop, const std::string& path, const char* interface, const char* member,
                     const char* property = nullptr) {
        answer_.reset();
        sd_bus_message* message = nullptr;
        REQUIRE(sd_bus_message_new_method_call(bus_.get(), &message, kClient, path.c_str(),
                                               property != nullptr ? "org.freedesktop.DBus.Properties" : interface,
                                               property != nullptr ? "Get" : member) >= 0);
        if (property != nullptr) REQUIRE(sd_bus_message_append(message, "ss", interface, property) >= 0);
        REQUIRE(sd_bus_call_async(bus_.get(), nullptr, message, on_answer, this, 0) >= 0);
        sd_bus_message_unref(message);
        until(loop, [&] { return answer_ != nullptr; });
        return *answer_;
    }

    // All that was heard, line by line.
    [[nodiscard]] std::string all() const {
        std::string text;
        for (const auto& one : heard) text += one + "\n";
        return text;
    }

private:
    static constexpr const char* kClient = ":1.7";
    struct BusDeleter {
        void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
    };
    static std::string folder() {
        char name[] = "/tmp/mainstay-bus.XXXXXX";
        return ::mkdtemp(name);
    }
    void serve() {
        if (listener_ && !connected()) {
            if (const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); fd >= 0)
                start(fd);
        }
        for (int done = 1; bus_ && done > 0;) done = sd_bus_process(bus_.get(), nullptr);
    }
    void start(int fd) {
        sd_bus* bus = nullptr;
        sd_id128_t id{};
        REQUIRE(sd_id128_randomize(&id) >= 0);
        REQUIRE(sd_bus_new(&bus) >= 0);
        bus_.reset(bus);
        REQUIRE(sd_bus_set_fd(bus, fd, fd) >= 0);
        REQUIRE(sd_bus_set_server(bus, 1, id) >= 0);
        REQUIRE(sd_bus_add_filter(bus, nullptr, on_message, this) >= 0);
        REQUIRE(sd_bus_start(bus) >= 0);
    }
    static int on_message(sd_bus_message* message, void* data, sd_bus_error*) {
        return static_cast<FakeBus*>(data)->take(message);
    }
    int take(sd_bus_message* message) {
        const char* member = sd_bus_message_get_member(message);
        const std::string name = member != nullptr ? member : "";
        if (name == "Hello") return sd_bus_reply_method_return(message, "s", kClient);
        if (name == "RequestName") {
            const char* wanted = "";
            sd_bus_message_read(message, "s", &wanted);
            heard.push_back("RequestName " + std::string{wanted});
            if (!name_error.empty())
                return sd_bus_reply_method_errorf(message, name_error.c_str(), "%s", "not allowed");
            return sd_bus_reply_method_return(message, "u", name_result);
        }
        if (name == "Disconnected") return 1;  // from this side of the bus itself
        if (sd_bus_message_is_signal(message, nullptr, nullptr) > 0) {
            std::string text = std::string{sd_bus_message_get_path(message)} + " " +
                               sd_bus_message_get_interface(message) + "." + name;
            std::uint32_t number = 0;
            if (sd_bus_message_read(message, "u", &number) > 0) text += " " + std::to_string(number);
            heard.push_back(std::move(text));
            return 1;
        }
        if (sd_bus_message_is_method_call(message, nullptr, nullptr) > 0)
            return sd_bus_reply_method_return(message, nullptr);  // AddMatch and the like
        return 0;
    }
    static int on_answer(sd_bus_message* answer, void* data, sd_bus_error*) {
        auto& text = static_cast<FakeBus*>(data)->answer_;
        text = std::make_unique<std::string>();
        if (const auto* error = sd_bus_message_get_error(answer); error != nullptr) {
            *text = error->name;
            return 0;
        }
        const char* contents = nullptr;
        char type = 0;
        while (sd_bus_message_peek_type(answer, &type, &contents) > 0) {
            if (type == 'v' || type == 'r') {
                REQUIRE(sd_bus_message_enter_container(answer, type, contents) > 0);
            } else if (type == 'u') {
                std::uint32_t number = 0;
                sd_bus_message_read(answer, "u", &number);
                *text += std::to_string(number) + " ";
            } else {
                const char* word = "";
                REQUIRE(sd_bus_message_read(answer, "s", &word) > 0);
                *text += word;
            }
        }
        return 0;
    }

    std::string path_;
    UniqueFd listener_;
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    std::unique_ptr<std::string> answer_;
};

}  // namespace mainstay::role::test
