// Resolves the names of real servers periodically and reports when their addresses have changed. Known addresses stay
// until the next answer that keeps the rules (guarded_source.hpp): a failing DNS removes no server.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "guarded_source.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/named.hpp"
#include "mainstay/probe/resolve.hpp"

namespace mainstay::role {

// Concurrent lookups; each takes a descriptor.
inline constexpr std::size_t kLookupsMax = 64;

class NameResolver {
public:
    // `changed` is called on the loop when known addresses have changed, `answered` after each answer and each failure.
    NameResolver(boost::asio::io_context& loop, Log& log, GuardedSource::Clock clock, std::function<void()> changed,
                 std::function<void()> answered);
    NameResolver(const NameResolver&) = delete;
    NameResolver& operator=(const NameResolver&) = delete;
    ~NameResolver();

    // Resolves the names of this configuration. Known addresses of names that it still contains are kept.
    void follow(const config::Config& config);
    // Restores the addresses known to an earlier incarnation, until the first answer; which, see servers_before(). Call
    // it before follow().
    void recall(const config::Config& config, const lvs::Memory& memory, const ipc::DiscoveredSources& saved = {});
    // Null: the name is not followed.
    [[nodiscard]] const lvs::KnownServers* known(const config::VirtualServer& service,
                                                 const lvs::NamedServers& named) const;
    void add_status(std::vector<report::DiscoveredStatus>& list) const;
    void add_saved(std::vector<ipc::DiscoveredSource>& list) const;
    void stop();

private:
    struct Name;
    void look(const probe::NameQuestion& question);
    void arm(const std::shared_ptr<Name>& name, Micros pause);
    void answered(const std::shared_ptr<Name>& name, probe::NameAnswer answer);

    boost::asio::io_context& loop_;
    Log& log_;
    GuardedSource::Clock clock_;
    std::function<void()> changed_, answered_;
    std::map<probe::NameQuestion, std::shared_ptr<Name>> names_;
    std::map<probe::NameQuestion, ipc::DiscoveredSource> recalled_;
    std::size_t running_ = 0;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
