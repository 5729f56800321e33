// The session with the AgentX master (RFC 2741), using net-snmp. Its calls block, so it needs a process of its own; and
// there can be only one per process, because the library keeps its state in globals.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "set.hpp"

namespace mainstay::role {

class SnmpSession {
public:
    struct Calls {
        std::function<const report::SnmpView&()> view;  // the current values; valid until the next call
        std::function<std::expected<void, SnmpRefusal>(const report::Oid&, const report::SnmpValue&)> may_set;
        std::function<void(const report::Oid&, const report::SnmpValue&)> set;
    };
    // Connects to `socket` (empty: the library's default). There may be no master yet: check connected().
    [[nodiscard]] static std::unique_ptr<SnmpSession> open(const std::string& socket, Log& log);
    SnmpSession(const SnmpSession&) = delete;
    SnmpSession& operator=(const SnmpSession&) = delete;
    ~SnmpSession();

    [[nodiscard]] bool connected() const;
    void serve(const std::vector<report::Oid>& roots, Calls calls);  // once
    [[nodiscard]] std::vector<int> descriptors() const;              // to be monitored for reading
    void process();  // handles received packets and the library's timers
    void notify(const report::SnmpTrap& trap);

    struct Impl;  // known to the library's callbacks

private:
    explicit SnmpSession(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::role
