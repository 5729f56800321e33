// A runtime and an IPVS table in memory for tests of the lvs role.
#pragma once

#include <fcntl.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../../kept_log.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/lvs/discovery.hpp"
#include "mainstay/lvs/plan.hpp"
#include "mainstay/role/lvs/role.hpp"
#include "role/common/blocks.hpp"

namespace mainstay::role::test {

inline constexpr std::chrono::seconds kPatience{20};

using mainstay::test::KeptLog;

// A kernel without sync daemons, whose timeouts nobody asks for: tests of sysctls only.
class NoSyncSettings : public IpvsSettings {
public:
    Result<std::vector<netlink::IpvsDaemon>> daemons() override { return std::vector<netlink::IpvsDaemon>{}; }
    Result<void> start_daemon(const netlink::IpvsDaemon&) override { return {}; }
    Result<void> stop_daemon(netlink::IpvsDaemon::State) override { return {}; }
    Result<netlink::IpvsTimeouts> timeouts() override { return netlink::IpvsTimeouts{}; }
    Result<void> set_timeouts(const netlink::IpvsTimeouts&) override { return {}; }
};

using Sysctls = std::map<std::string, int, std::less<>>;  // by name

// Sysctls that begin with 0; `order` is what was written.
class FakeSysctls final : public NoSyncSettings {
public:
    FakeSysctls(Sysctls& values, std::vector<std::string>& order) : values_{values}, order_{order} {}
    Result<int> sysctl(std::string_view name) override { return values_[std::string{name}]; }
    Result<void> set_sysctl(std::string_view name, int value) override {
        order_.push_back(fmt::format("{}={}", name, value));
        values_[std::string{name}] = value;
        return {};
    }

private:
    Sysctls& values_;
    std::vector<std::string>& order_;
};

struct FakeRuntime final : Runtime {
    void write_fifo(const Event& event) override { fifo.push_back(event); }
    void answer(std::uint64_t request, const OperatorReply& reply) override { answers.emplace_back(request, reply); }
    boost::asio::io_context& loop() override { return loop_; }
    KeptLog& log() override { return log_; }
    Instant now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall() const override { return {1}; }
    void publish(Event event) override { events.push_back(std::move(event)); }
    void run_script(std::string key, std::vector<std::string> arguments, std::string queue,
                    std::function<void(const ipc::ScriptResult&)> done) override {
        scripts.push_back({std::move(key), std::move(done), std::move(arguments), std::move(queue)});
    }
    void send(const ipc::Message& message, int descriptor) override {
        if (std::holds_alternative<ipc::DiscoveryMemory>(message))
            kept.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)), ++times_kept;
    }
    void still_at_work() override { ++times_at_work; }
    Result<std::vector<std::byte>> previous_state() override {
        if (!state) return fail(Errc::NotFound, "nothing was published");
        return *state;
    }
    void publish_state(const ipc::StateBlock::Writer& write) override {
        state.emplace(write({}));
        write(*state);
        ++times_published;
    }
    std::uint64_t generation_ = 1;
    std::uint64_t generation() const override { return generation_; }
    const ipc::RoleStartup& options() const override { return startup; }

    report::LvsStatus status() const { return decode_lvs_block(state.value()).value(); }
    // Runs the loop until it holds; false: not within any reasonable time.
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) loop_.run_one_for(std::chrono::milliseconds{50});
        loop_.restart();
        return holds();
    }

    boost::asio::io_context loop_{1};
    KeptLog log_;
    struct Script {
        std::string key;
        std::function<void(const ipc::ScriptResult&)> done;
        std::vector<std::string> arguments;
        std::string queue;
    };
    std::vector<Event> events, fifo;  // published; of which only the FIFO's line was asked for
    std::vector<std::pair<std::uint64_t, OperatorReply>> answers;
    std::vector<Script> scripts;  // asked for, not answered
    std::optional<std::vector<std::byte>> state;
    ipc::RoleStartup startup;
    int times_at_work = 0;  // said to be
    UniqueFd kept;          // the known real servers
    int times_kept = 0, times_published = 0;
};

// What lives in the kernel: survives the role.
struct FakeKernel {
    lvs::Table table;
    std::vector<std::vector<netlink::IpvsOperation>> batches;
    std::size_t opened = 0, dumps = 0, flushes = 0;
    std::size_t reads = 0;  // of the destinations of one service
    bool available = true;
    bool socket_breaks = false;                                 // once, at the next batch
    bool lies = false;                                          // once: the next list of destinations is empty
    std::uint32_t connections = 0;                              // active ones of every destination
    netlink::IpvsStats stats;                                   // of every service and every destination
    bool counts = true;                                         // false: reading the services fails
    bool lists = true;                                          // false: reading the destinations fails
    std::string refused_scheduler;                              // as if its module were missing
    std::function<int(const netlink::IpvsOperation&)> refuses;  // the errno, 0 for none
};

// Writes down what it is asked for, and refuses all of it with `refuses` unless that is empty.
struct FakeAnnouncing final : AnnounceTable {
    FakeAnnouncing(std::vector<std::string>& order, const std::string& refuses) : order_{order}, refuses_{refuses} {}
    Result<std::vector<netlink::RefusedAnnounce>> perform(const netlink::AnnounceOperations& operations) override {
        std::vector<netlink::RefusedAnnounce> refused;
        for (std::size_t i = 0; i < operations.size(); ++i) {
            order_.push_back(netlink::describe(operations[i]));
            if (!refuses_.empty()) refused.push_back({i, refuses_});
        }
        return refused;
    }
    std::vector<std::string>& order_;
    const std::string& refuses_;
};

class FakeTable final : public IpvsTable {
public:
    explicit FakeTable(FakeKernel& kernel) : kernel_{kernel} {}

    Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations) override {
        if (std::exchange(kernel_.socket_breaks, false)) return fail(Errc::Io, "no buffer space", ENOBUFS);
        kernel_.batches.push_back(operations);
        Outcome outcome;
        for (std::size_t i = 0; i < operations.size(); ++i) {
            const bool refuse = operations[i].service.scheduler == kernel_.refused_scheduler;
            if (const int number = kernel_.refuses ? kernel_.refuses(operations[i]) : 0; number != 0) {
                outcome.failures.push_back({.index = i, .sys_errno = number, .text = {}});
                continue;
            }
            if (refuse || !lvs::perform(kernel_.table, operations[i])) outcome.failures.push_back({i, ENOENT});
        }
        return outcome;
    }
    Result<std::vector<netlink::IpvsServiceEntry>> services() override {
        ++kernel_.dumps;
        if (!kernel_.counts) return fail(Errc::Io, "no buffer space", ENOBUFS);
        std::vector<netlink::IpvsServiceEntry> entries;
        for (const auto& entry : kernel_.table) entries.push_back({entry.service, kernel_.stats});
        return entries;
    }
    Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key) override {
        std::vector<netlink::IpvsDestinationEntry> entries;
        ++kernel_.reads;
        if (!kernel_.lists) return fail(Errc::Io, "no buffer space", ENOBUFS);
        if (std::exchange(kernel_.lies, false)) return entries;
        for (const auto& entry : kernel_.table) {
            if (entry.service.key != key) continue;
            for (const auto& one : entry.destinations)
                entries.push_back({one, kernel_.connections, 0, 0, kernel_.stats});
        }
        return entries;
    }
    Result<void> flush() override {
        ++kernel_.flushes;
        kernel_.table.clear();
        return {};
    }

private:
    FakeKernel& kernel_;
};

inline lvs::KnownServers many_servers(unsigned count, std::optional<std::uint32_t> weight = std::nullopt) {
    lvs::KnownServers list;
    for (unsigned i = 1; i <= count; ++i) list.push_back({IpAddress::v4(0x0A010000U + i), 80, weight});
    return list;
}

inline config::Config with(std::vector<config::VirtualServer> services) {
    config::Config config;
    config.virtual_servers = std::move(services);
    return config;
}

inline LvsOptions options_for(FakeKernel& kernel) {
    LvsOptions options;
    options.open_ipvs = [&kernel]() -> Result<std::unique_ptr<IpvsTable>> {
        ++kernel.opened;
        if (!kernel.available) return fail(Errc::Unsupported, "no IPVS in this kernel: modprobe ip_vs");
        return std::make_unique<FakeTable>(kernel);
    };
    options.random = [](Micros) { return Micros{0}; };
    options.audit_every = Micros{0};
    options.reopen_every = std::chrono::milliseconds{20};
    return options;
}

}  // namespace mainstay::role::test
