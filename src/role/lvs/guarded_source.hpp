// A source of real servers while the lvs role follows it: its servers in force (lvs::DiscoveredSet), the timer for what
// waits or is held, its log lines and its status.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/lvs/discovery.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/report/status.hpp"

namespace mainstay::role {

// What a kind of source is called in the log.
struct SourceWords {
    std::string_view keyword;  // "real_server_dns"
    std::string_view again;    // "resolved": "resolved again after 3 failures"
    std::string_view attempt;  // "a lookup": "no servers until a lookup succeeds"
};
inline constexpr SourceWords kDnsWords{"real_server_dns", "resolved", "a lookup"};
inline constexpr SourceWords kFileWords{"real_server_file", "read", "reading it"};

// What a new process begins with: what was kept of the source's answers, which is at most kKeepDiscovered old. Of one
// of which nothing was kept yet, the servers of the crashed process that may be its own: a table of servers does not
// say which source listed them, and leaves out those that the file has, too. None: neither is known.
[[nodiscard]] std::optional<ipc::DiscoveredSource> servers_before(const ipc::DiscoveredSources& kept,
                                                                  const std::string& source,
                                                                  std::optional<lvs::KnownServers> crashed);

class GuardedSource {
public:
    using Clock = std::function<lvs::Moment()>;
    // `changed` is called on the loop when the servers in force have changed by themselves, after a time.
    GuardedSource(boost::asio::io_context& loop, Log& log, const SourceWords& words, std::string name, Clock clock,
                  std::function<void()> changed);
    GuardedSource(const GuardedSource&) = delete;
    GuardedSource& operator=(const GuardedSource&) = delete;
    ~GuardedSource() = default;

    void recall(const ipc::DiscoveredSource& saved);
    void set_rules(const config::DiscoveryRules& rules);
    // True: the servers in force have changed. `changed` is not called.
    [[nodiscard]] bool answer(lvs::KnownServers servers);
    void fail(const std::string& problem);

    [[nodiscard]] const lvs::KnownServers& servers() const { return set_.servers(); }
    [[nodiscard]] report::DiscoveredStatus status() const;  // without the services
    [[nodiscard]] ipc::DiscoveredSource saved(std::string source) const;

private:
    [[nodiscard]] bool step(Instant now);
    void arm();
    void log_hold(lvs::HoldReason before) const;
    [[nodiscard]] std::string why_held() const;

    Log& log_;
    const SourceWords& words_;
    std::string name_;
    Clock clock_;
    std::function<void()> changed_;
    lvs::DiscoveredSet set_{config::DiscoveryRules{}};
    boost::asio::steady_timer timer_;
    std::string problem_;
    std::uint64_t failures_ = 0, errors_ = 0;  // failures: in a row
    Lifetime lifetime_;
};

}  // namespace mainstay::role
