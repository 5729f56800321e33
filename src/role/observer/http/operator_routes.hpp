// The API's routes of operators' commands: instances, log levels, mails and webhooks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exchange.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::role::http {

struct ApiSources;  // api_routes.hpp

// Commands for instances and for the whole director, as mainstayctl failover and maintenance give them.

// POST /api/v1/instances/failover and failback: {"name": "VI_1", "dry_run": false}.
void command_instances(const ApiSources& sources, const Request& request, const Done& done);
// POST /api/v1/maintenance/on and off: {"seconds": 3600, "reason": "kernel update", "dry_run": false}.
void command_maintenance(const ApiSources& sources, const Request& request, const Done& done);

// The levels at which the daemon's modules log, as mainstayctl loglevel shows and sets them.

// GET /api/v1/loglevel: {"levels": {"vrrp": "info", ...}}.
[[nodiscard]] Answer show_log_levels(const ApiSources& sources);
// POST /api/v1/loglevel: {"module": "vrrp", "level": "debug"}; without a module, of all.
void set_log_levels(const ApiSources& sources, const Request& request, const Done& done);

// The routes of the API for mails and for events of webhooks: what waits, what failed, and what operators do with them.

inline constexpr std::size_t kMailsOfCommandMax = 1'000;
inline constexpr std::size_t kTestRecipientsMax = 20;

// Who has the mails, or the events for webhooks. Outlives the server.
class QueueCommands {
public:
    QueueCommands() = default;
    QueueCommands(const QueueCommands&) = delete;
    QueueCommands& operator=(const QueueCommands&) = delete;
    virtual ~QueueCommands() = default;

    enum class Verb : std::uint8_t { Retry, Drop };
    struct Command {
        Verb verb = Verb::Retry;
        std::vector<std::string> ids;
        bool all = false;  // then there are no ids
        std::string by;
    };
    [[nodiscard]] virtual std::string queue_json() = 0;
    // Lines for people. An error: nothing was changed.
    [[nodiscard]] virtual Result<std::string> change(const Command& command) = 0;
    [[nodiscard]] virtual Result<void> start_test(const std::vector<std::string>& to, const std::string& by) = 0;
    // How the last test goes, with the lines of its dialogue after the first `known` ones.
    [[nodiscard]] virtual std::string test_json(std::size_t known) = 0;
};

// GET /api/v1/mail, GET and POST /api/v1/mail/test, POST /api/v1/mail/retry and drop.
void add_mail_routes(std::vector<Route>& routes, QueueCommands& commands);
// The same below /api/v1/webhooks; `to` of a test is the names of webhooks.
void add_webhook_routes(std::vector<Route>& routes, QueueCommands& commands);

}  // namespace mainstay::role::http
