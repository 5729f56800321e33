// The lvs role with 5,000 services of 4 servers on a table in memory, and its judge.
#include <fmt/core.h>

#include <map>

#include "../lvs/builders.hpp"
#include "../role/lvs/fakes.hpp"
#include "mainstay/lvs/judge.hpp"
#include "measured.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::measure;

namespace {

constexpr std::size_t kServices = 5000;
constexpr std::uint32_t kServers = 4;

// Finds each service at once, so that what is counted is the role's.
class QuickTable final : public IpvsTable {
public:
    using Services = std::map<netlink::IpvsServiceKey, lvs::ServiceTable>;
    explicit QuickTable(Services& services) : services_{services} {}
    Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations) override {
        using Kind = netlink::IpvsOperation::Kind;
        for (const auto& operation : operations) {
            if (operation.kind == Kind::AddService)
                services_[operation.service.key].service = operation.service;
            else if (operation.kind == Kind::DeleteService)
                services_.erase(operation.service.key);
            else
                static_cast<void>(lvs::perform(services_[operation.service.key], operation));
        }
        return Outcome{};
    }
    Result<std::vector<netlink::IpvsServiceEntry>> services() override {
        std::vector<netlink::IpvsServiceEntry> entries;
        for (const auto& [key, table] : services_) entries.push_back({table.service, {}});
        return entries;
    }
    Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key) override {
        std::vector<netlink::IpvsDestinationEntry> entries;
        for (const auto& one : services_[key].destinations) entries.push_back({one, 0, 0, 0, {}});
        return entries;
    }
    Result<void> flush() override {
        services_.clear();
        return {};
    }

private:
    Services& services_;
};

config::VirtualServer service(std::uint32_t number, std::uint32_t weight, bool checks) {
    config::VirtualServer service;
    service.endpoint = {IpAddress::v4(0x0A000000U + number), 80};
    service.protocol = config::Protocol::Tcp;
    service.scheduler = "wrr";
    for (std::uint32_t s = 0; s < kServers; ++s) {
        config::RealServer server;
        server.endpoint = {IpAddress::v4(0x0B000000U + number * kServers + s), 80};
        server.weight = weight;
        if (checks) server.checkers.push_back(lvs::test::tcp_check(server.endpoint));
        service.real_servers.push_back(std::move(server));
    }
    return service;
}

config::Config large(bool checks) {
    config::Config config;
    for (std::uint32_t n = 0; n < kServices; ++n) config.virtual_servers.push_back(service(n, 1, checks));
    return config;
}

void the_role() {
    QuickTable::Services table;
    FakeKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    options.open_ipvs = [&table]() -> Result<std::unique_ptr<IpvsTable>> {
        return std::make_unique<QuickTable>(table);
    };
    options.audit_every = std::chrono::hours{1};
    const auto role = make_lvs_role(runtime, options);
    auto config = large(false);
    measure("lvs: start", [&] { static_cast<void>(role->start(std::move(config), false)); });
    measure("lvs: reload of nothing", [&] { role->commit_unchanged(); });
    constexpr std::uint32_t kLast = kServices - 1;
    std::vector<config::ServiceChange> one{{kLast, service(kLast, 1, false), service(kLast, 7, false)}};
    measure("lvs: reload of one service", [&] {
        static_cast<void>(role->prepare_changes(std::move(one)));
        role->commit();
    });
    measure("lvs: state of all services written", [&] { role->save_state(); });
}

void the_judge() {
    const Instant begin{std::chrono::seconds{1000}};
    lvs::Judge judge{[](Micros) { return Micros{0}; }};
    static_cast<void>(judge.start(large(true), {}, {begin, WallTime{1}}));
    std::vector<lvs::CheckerId> started;
    const lvs::Moment due{begin + std::chrono::seconds{1}, WallTime{2}};
    for (const auto& intent : judge.step(lvs::DeadlineReached{}, due))
        if (const auto* start = std::get_if<lvs::StartCheck>(&intent)) started.push_back(start->checker);
    measure(
        "lvs: a check's result",
        [&] {
            for (const auto id : started)
                static_cast<void>(judge.step(lvs::CheckFinished{.checker = id, .outcome = lvs::Outcome::Passed}, due));
        },
        started.size());
}

}  // namespace

int main() {
    the_role();
    the_judge();
}
