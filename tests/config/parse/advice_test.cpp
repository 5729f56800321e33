// Advice that a new administrator follows: what is written where a unit, a member or a recipient is wrong or missing.
#include <doctest/doctest.h>

#include "../samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

std::string hint_of(const Loaded& loaded) { return loaded.diagnostics.empty() ? "" : loaded.diagnostics[0].fix; }

}  // namespace

TEST_CASE("a time in another unit is reported in the keyword's own") {
    CHECK(hint_of(load_sample(vrrp(6, "advert_int 500ms"))) == "write `advert_int 0.5`");
    CHECK(hint_of(load_sample(vrrp(6, "advert_int 2s"))) == "write `advert_int 2`");
    CHECK(hint_of(load_sample(vrrp(6, "advert_int 1m"))) == "write `advert_int 60`");
    CHECK(hint_of(load_sample(lvs(2, "delay_loop 1500ms"))) == "write `delay_loop 1.5`");
    CHECK(hint_of(load_sample(lvs(5, "protocol TCP\npersistence_timeout 5min"))) == "write `persistence_timeout 300`");
    CHECK(hint_of(load_sample(vrrp(6, "advert_int 5parsec"))).empty());
    CHECK(hint_of(load_sample(vrrp(5, "priority 100x"))) == "write `priority 100`");
}

TEST_CASE("for a misspelt member of a sync group the nearest instance is suggested") {
    const Loaded loaded =
        load_sample("vrrp_sync_group G {\ngroup {\nVI_1\ninsde\n}\n}\n" + std::string{kVrrp} +
                    with_line(with_line(with_line(kVrrp, 1, "vrrp_instance inside {"), 4, "virtual_router_id 52"), 12,
                              "10.9.9.8/24"));
    CHECK(lines_of(loaded) ==
          std::vector<std::string>{"4:1 warning MS0414 sync group G: there is no vrrp_instance insde"});
    CHECK(hint_of(loaded) == "did you mean `inside`?");
}

TEST_CASE("smtp_alert without anybody to write to is said once, and raises no exit code") {
    const Loaded loaded = load_sample(vrrp(6, "advert_int 1\nsmtp_alert") + lvs(5, "protocol TCP\nsmtp_alert"));
    CHECK(lines_of(loaded) ==
          std::vector<std::string>{"7:1 warning MS0309 smtp_alert is on, but there is no recipient"});
    CHECK(hint_of(loaded) == "add notification_email { ADDRESS } to global_defs");
    CHECK(loaded.exit_code() == 0);

    CHECK(lines_of(load_sample("global_defs {\nnotification_email {\nops@example.org\n}\n}\n" +
                               vrrp(6, "advert_int 1\nsmtp_alert")))
              .empty());
    CHECK(lines_of(load_sample(vrrp(6, "advert_int 1\nsmtp_alert off"))).empty());
}
