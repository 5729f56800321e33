// An lvs role on a kernel in memory.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../lvs/builders.hpp"
#include "fakes.hpp"

namespace mainstay::role::test {

inline config::VirtualServer pair() {
    return lvs::test::service({lvs::test::server("10.0.0.11"), lvs::test::server("10.0.0.12", 2)});
}

struct Bench {
    FakeKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    std::unique_ptr<Role> role;

    void start(config::Config config, bool restarted = false) {
        role = make_lvs_role(runtime, options);
        REQUIRE(role->start(std::move(config), restarted));
    }
    void reload(config::Config config) {
        REQUIRE(role->prepare(std::move(config)));
        role->commit();
    }
    void stop() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(runtime.until([&stopped] { return stopped; }));
    }
    std::size_t operations() const {
        std::size_t count = 0;
        for (const auto& batch : kernel.batches) count += batch.size();
        return count;
    }
    const lvs::ServiceTable* in_kernel(const std::string& address) const {
        const auto key = lvs::test::tcp_key(address);
        for (const auto& entry : kernel.table) {
            if (entry.service.key == key) return &entry;
        }
        return nullptr;
    }
};

}  // namespace mainstay::role::test
