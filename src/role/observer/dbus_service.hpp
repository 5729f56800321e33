// The D-Bus service of the observer: org.keepalived.Vrrp1 with its objects, on the system bus.
//
// Everything is asynchronous: a bus that is not there, hangs or goes away costs the observer nothing but another try
// after 1, 2, 4 ... 60 seconds. What may call it is the bus's affair (the policy file that the packages install).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "dbus_names.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class DbusService {
public:
    struct Calls {
        std::function<vrrp::State(const std::string& instance)> state;  // as it is now
        std::function<void(const ipc::ControlRequest&)> ask;            // a method was called
    };
    DbusService() = default;
    DbusService(const DbusService&) = delete;
    DbusService& operator=(const DbusService&) = delete;
    virtual ~DbusService() = default;

    // Follows the configuration: connects, changes its objects, or leaves the bus. Any number of times.
    virtual void configure(const config::Config& config) = 0;
    // False while a connection is just being made: signals would be lost that can wait a moment.
    [[nodiscard]] virtual bool settled() const = 0;
    virtual void tell(const Event& event) = 0;  // VrrpStatusChange of an instance; other events are passed over
    virtual void tell_reloaded() = 0;
    virtual void stop() = 0;  // VrrpStopped, and leaves the bus
};

// Never null. Built without D-Bus, it only says so in the log when enable_dbus asks for it.
[[nodiscard]] std::unique_ptr<DbusService> make_dbus_service(boost::asio::io_context& loop, Log& log,
                                                             DbusService::Calls calls);

}  // namespace mainstay::role
