// The D-Bus service of the observer: org.keepalived.Vrrp1 with its objects, on the system bus.
//
// Everything is asynchronous: if the bus is missing, hangs or closes the connection, the observer retries after 1, 2,
// 4 ... 60 seconds. The bus decides who may call the service, by the policy file that the packages install.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/dbus.hpp"

namespace mainstay::role {

class DbusService {
public:
    struct Calls {
        std::function<report::DbusState(const std::string& instance)> state;  // as it is now
        std::function<void(const ipc::ControlRequest&)> ask;                  // a method was called
        std::string net_namespace;                                            // from the command line; empty: none
    };
    DbusService() = default;
    DbusService(const DbusService&) = delete;
    DbusService& operator=(const DbusService&) = delete;
    virtual ~DbusService() = default;

    // Follows the configuration: connects, changes its objects, or leaves the bus. May be called repeatedly.
    virtual void configure(const config::Config& config) = 0;
    // False while connecting: signals sent now would be lost, so callers wait.
    [[nodiscard]] virtual bool settled() const = 0;
    virtual void emit(const Event& event) = 0;  // emits VrrpStatusChange for events of instances, ignores others
    virtual void emit_reloaded() = 0;           // nothing where VrrpStarted is still to come
    virtual void stop() = 0;                    // VrrpStopped, and leaves the bus
};

// Never null. A build without D-Bus returns one that only logs a warning if enable_dbus is set.
[[nodiscard]] std::unique_ptr<DbusService> make_dbus_service(boost::asio::io_context& loop, Log& log,
                                                             DbusService::Calls calls);

}  // namespace mainstay::role
