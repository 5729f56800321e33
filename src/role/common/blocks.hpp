// What a process keeps of the running configuration, when it writes its state block, and how that of the lvs role is
// kept small.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

// The lvs role's state block is kept in memory and has an entry for each of tens of thousands of servers. To keep it
// small, fields that follow from others are omitted when it is written and filled in when it is read.

// Omitted are the name of a server and of a service with an address of its own, the usual forwarding method, and for a
// check that is up its type, if it is the usual one, and its target, if that is the server itself. An older program
// that does not know this takes such a check for a new one, which is up as well.
inline constexpr std::string_view kUsualForwarding = "NAT";
inline constexpr std::string_view kUsualCheck = "TCP_CHECK";

void fill_in_omitted(report::LvsStatus& status);
[[nodiscard]] Result<report::LvsStatus> decode_lvs_block(std::span<const std::byte> bytes);

// The running configuration, as a role's process keeps it beside the role itself.
struct RunningConfig {
    config::Config config;  // without `shown` global_defs alone; else all but the real servers, of which there may be
                            // tens of thousands
    alert::NotifyScripts scripts;
};
[[nodiscard]] RunningConfig to_run(const config::Config& config, bool shown);

// What a state block says of it.
[[nodiscard]] std::optional<report::MaintenanceStatus> shown_maintenance(const ipc::MaintenanceOrder& order);

// Decides when a state block is written: soon after important changes, later after others, and never so often that
// writing takes more than a given share of the time, because writing delays everything else in the loop.

class PublishPacer {
public:
    // After a publish that took T, at_once() waits for `urgent` x T, and within() for `usual` x T.
    struct Shares {
        int urgent = 20, usual = 20;
    };
    static constexpr std::chrono::microseconds kUnnoticed{200};  // a publish that takes no longer delays nothing
    static constexpr std::chrono::seconds kPutOffMax{1};         // however much is due meanwhile

    // `publish` is called on the loop, at most once for each call of within() or at_once(). `delays` says whether
    // something on the loop that must be on time is due within this time; none: nothing is.
    PublishPacer(boost::asio::io_context& loop, Shares shares, std::function<void()> publish,
                 std::function<bool(Nanos)> delays = {})
        : shares_{shares}, publish_{std::move(publish)}, delays_{std::move(delays)}, timer_{loop} {}

    // Publishes within `pause`; later if the last publish was too recent, or if one that takes as long as the last
    // would delay something.
    void within(Micros pause);
    void at_once();  // publishes before it returns, later if the last publish was too recent
    void now();
    void stop();  // then only now() publishes

private:
    void set_timer(Instant wanted);
    void arm(Instant at);
    void due();

    Shares shares_;
    std::function<void()> publish_;
    std::function<bool(Nanos)> delays_;
    boost::asio::steady_timer timer_;
    std::optional<Instant> due_;
    Micros pause_{0};
    Nanos took_{0};  // the last publish
    Instant urgent_from_{}, usual_from_{}, at_the_latest_{};
    bool stopped_ = false;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
