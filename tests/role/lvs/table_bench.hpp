// A TableReconciler on a table in memory that counts what is read.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../lvs/builders.hpp"
#include "fakes.hpp"
#include "role/lvs/reconciler.hpp"

namespace mainstay::role::test {

inline lvs::ServiceTable entry(const std::string& address, std::vector<netlink::IpvsDestination> servers) {
    return {lvs::test::tcp_service(address), std::move(servers)};
}

struct TableBench {
    explicit TableBench(std::size_t services = 1) {
        for (std::size_t i = 0; i < services; ++i)
            desired.push_back(entry(fmt::format("10.0.{}.{}", i / 200, i % 200 + 1), {lvs::test::to("10.1.0.1")}));
        options.audit_every = std::chrono::hours{1};
        options.reopen_every = std::chrono::hours{1};
    }
    TableReconciler::Wanted wanted() {
        return {desired.size(), [this](std::size_t at) { return lvs::Table{desired[at]}; }};
    }
    void start(std::vector<netlink::IpvsServiceKey> owned = {}, bool flush = false) {
        reconciler.start(wanted(), owned, flush);
    }
    std::vector<std::string> written() {
        std::vector<std::string> all;
        for (const auto& batch : std::exchange(kernel.batches, {}))
            for (const auto& operation : batch) all.push_back(netlink::describe(operation));
        return all;
    }
    bool until(const std::function<bool()>& holds) { return runtime.until(holds); }
    // Starts, and goes on until the first slice of the first audit has been read.
    void start_into_audit() {
        options.audit_every = std::chrono::milliseconds{400};  // of two slices, 100 ms apart
        start();
        kernel.reads = 0;
        CHECK(until([&] { return kernel.reads == 32; }));
    }
    // The turns of the loop until the audit has read more.
    void slice() {
        const auto before = kernel.reads;
        CHECK(until([&] { return kernel.reads != before; }));
    }
    void run_for(std::chrono::milliseconds time) {
        runtime.loop_.restart();
        runtime.loop_.run_for(time);
        runtime.loop_.restart();
    }
    std::size_t count(std::string_view part) const { return runtime.log_.count(part); }

    FakeKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    lvs::Table desired;
    int changed = 0;
    TableReconciler reconciler{runtime, options, [this] { ++changed; }};
};

}  // namespace mainstay::role::test
