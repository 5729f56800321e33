// The dumps of that director.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "../director.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/report/dumps.hpp"

namespace mainstay::test {

struct DumpScene {
    config::Config config;
    report::VrrpStatus status = director_status();
    report::DumpSource source{.config = config, .vrrp = &status, .host_name = "vm"};

    explicit DumpScene(std::string text = kDirector) {
        auto loaded = config::load_text("x.conf", std::move(text), {});
        REQUIRE(loaded.can_run());
        config = std::move(loaded.config);
    }
    DumpScene(const DumpScene&) = delete;
    DumpScene& operator=(const DumpScene&) = delete;
};

}  // namespace mainstay::test
