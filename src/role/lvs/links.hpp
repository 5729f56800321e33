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
    // `changed` is called on the loop when anything that can be asked here may have changed. All live longer than this.
    LvsLinks(boost::asio::io_context& loop, Log& log, std::function<void()> changed)
        : loop_{loop}, log_{log}, changed_{std::move(changed)} {}

    // Listens from now on; again does nothing. `global`: how big the socket's buffer is to be.
    void open(const config::Global& global);
    void close();
    [[nodiscard]] bool is_open() const { return ready_.has_value(); }

    [[nodiscard]] std::uint32_t index_of(const std::string& interface) const;  // 0: there is none
    [[nodiscard]] std::set<IpAddress> addresses() const;                       // on whatever interface, each once

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
