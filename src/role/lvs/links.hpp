// The links and addresses of the host that the lvs role needs: whether an interface exists, and which addresses are
// set.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"

namespace mainstay::role {

class LvsLinks {
public:
    // `changed` is called on the loop when the answer of index_of() or addresses() may have changed. The arguments must
    // outlive this object.
    LvsLinks(boost::asio::io_context& loop, Log& log, std::function<void()> changed)
        : loop_{loop}, log_{log}, changed_{std::move(changed)} {}

    // Starts monitoring; a second call does nothing. `global` has the size of the socket's receive buffer.
    void open(const config::Global& global);
    void close();
    [[nodiscard]] bool is_open() const { return ready_.has_value(); }

    [[nodiscard]] std::uint32_t index_of(const std::string& interface) const;  // 0: it does not exist
    [[nodiscard]] std::set<IpAddress> addresses() const;                       // of all interfaces

private:
    [[nodiscard]] Result<void> refresh();
    void watch();
    [[nodiscard]] bool take(const kernel::RouteNotification& notification);

    boost::asio::io_context& loop_;
    Log& log_;
    std::function<void()> changed_;
    std::optional<kernel::Rtnetlink> netlink_;
    std::optional<boost::asio::posix::stream_descriptor> ready_;
    struct Seen {
        std::string name;
        bool up = false;
        bool operator==(const Seen&) const = default;
    };
    std::map<std::uint32_t, Seen> links_;
    std::map<std::uint32_t, std::set<Prefix>> addresses_;
};

}  // namespace mainstay::role
