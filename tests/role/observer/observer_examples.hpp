// Configurations, events and states with which an observer is tried.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "mainstay/config/load.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role::test {

inline constexpr const char* kInstance =
    "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.9.9.9\n}\n}\n";
inline constexpr const char* kService =
    "virtual_server 10.9.9.8 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.1.1.1 80 {\n}\n}\n";

inline config::Config config_of(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

// Mails to a port where nobody is.
inline config::Config mailing() {
    return config_of(
        std::string{"global_defs {\nrouter_id R\nsmtp_server 127.0.0.1 1\nnotification_email {\na@b.c\n}\n"} + "}\n" +
        kInstance);
}

inline Event transition(const char* state) {
    return {.kind = Event::Kind::Instance,
            .name = "VI_1",
            .transition = transition_from(state).value(),
            .detail = "detail",
            .mail = true,
            .at = {1'795'163'866'000'000}};
}

inline report::VrrpStatus vrrp_status() {
    report::VrrpStatus status;
    vrrp::InstanceSnapshot one;
    one.name = "VI_1";
    one.state = vrrp::State::Master;
    one.counters.advert_sent = 10;
    status.router.instances = {one};
    return status;
}

}  // namespace mainstay::role::test
