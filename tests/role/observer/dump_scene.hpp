// The dumps of that director.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "../director.hpp"
#include "mainstay/config/load.hpp"
#include "role/observer/dumps.hpp"

namespace mainstay::role::test {

struct DumpScene {
    config::Config config;
    ipc::VrrpStatus status = director_status();
    DumpSource source{.config = config, .vrrp = &status};

    explicit DumpScene(std::string text = kDirector) {
        auto loaded = config::load_text("x.conf", std::move(text), {});
        REQUIRE(loaded.can_run());
        config = std::move(loaded.config);
    }
    DumpScene(const DumpScene&) = delete;
    DumpScene& operator=(const DumpScene&) = delete;
};

}  // namespace mainstay::role::test
