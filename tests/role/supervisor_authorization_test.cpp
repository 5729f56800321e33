#include "../../src/role/supervisor_authorization.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace mainstay;
using namespace mainstay::role;

namespace {

template <std::size_t... Index>
std::vector<ipc::Message> one_of_each(std::index_sequence<Index...>) {
    return {ipc::Message{std::in_place_index<Index>}...};
}

std::set<std::string> allowed(Sender sender) {
    std::set<std::string> names;
    for (const auto& message : one_of_each(std::make_index_sequence<std::variant_size_v<ipc::Message>>{}))
        if (may_send(sender, message)) names.insert(name_of(message));
    return names;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("each process may send just the kinds of messages that its work needs") {
    CHECK(allowed(Sender::Vrrp) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "RunScript", "FifoLine", "DumpRequested"});
    CHECK(allowed(Sender::Lvs) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "RunScript", "FifoLine",
                                        "DumpRequested", "ServerAnswered"});
    CHECK(allowed(Sender::Observer) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "DumpRequested", "DumpText", "Ask"});
    CHECK(allowed(Sender::Bfd) == Names{"Heartbeat", "Prepared", "Committed", "Stopped"});
    CHECK(allowed(Sender::Snmp) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "Ask"});
    CHECK(allowed(Sender::Spare) == Names{"Heartbeat", "Prepared"});
    CHECK(allowed(Sender::Reader) == Names{"Snapshot", "ReadingDone", "DryRunDone"});
    CHECK(allowed(Sender::Watcher) == Names{"Heartbeat", "Prepared", "Observations"});
    CHECK(allowed(Sender::DryRunReader) == Names{"DryRunDone"});
    CHECK(allowed(Sender::UpgradeTrial) == Names{"UpgradeChecked"});
    CHECK(allowed(Sender::Operator) == Names{"DryRun", "Reload", "Upgrade", "ServerQuestion"});
}

TEST_CASE("a role is the sender of its name, and the supervisor sends nothing to itself") {
    CHECK(may_send(Kind::Lvs, ipc::ServerAnswered{}));
    CHECK_FALSE(may_send(Kind::Vrrp, ipc::ServerAnswered{}));
    CHECK(may_send(Kind::Snmp, ipc::Ask{}));
    CHECK_FALSE(may_send(Kind::Bfd, ipc::RunScript{}));
    CHECK_FALSE(may_send(Kind::Supervisor, ipc::Heartbeat{}));
}

TEST_CASE("what only the supervisor sends comes from nobody") {
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::Stop{}));
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::Hello{}));
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::Commit{}));
    }
}
