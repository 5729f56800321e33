#include "mainstay/lvs/certificates.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::lvs;

namespace {

constexpr std::int64_t kDay = 86'400'000'000;
const WallTime kNow{1'764'547'200'000'000};  // 2025-12-01

struct Watched {
    CertificateWatch watch;
    config::VirtualServer service;
    config::RealServer server;
    Watched() {
        service.endpoint = {IpAddress::parse("10.0.0.1").value(), 443};
        server.endpoint = {IpAddress::parse("10.0.0.11").value(), 443};
    }
    CertificateWatch::Judgement look(std::string_view fingerprint, double days_left, std::uint32_t days = 14) {
        return watch.look(service, server, true,
                          {fingerprint, "shop", {kNow.unix_us + static_cast<std::int64_t>(days_left * kDay)}}, days,
                          kNow);
    }
};

}  // namespace

TEST_CASE("a certificate that ends within the days is reported once with a line and a mail, and remarked always") {
    Watched watched;
    const auto first = watched.look("f1", 10.5);
    REQUIRE(first.intents.size() == 2);
    CHECK(std::get<WriteLog>(first.intents[0]).line.text ==
          "The certificate of service [10.0.0.11]:tcp:443 of VS [10.0.0.1]:tcp:443 (shop) ends on 2025-12-11, in 10 "
          "days: renew it");
    const Event& event = std::get<Announce>(first.intents[1]).event;
    CHECK(event.detail == "Certificate shop ends on 2025-12-11, in 10 days");
    CHECK(event.transition == Transition::Up);
    CHECK_FALSE(event.notify);
    CHECK(event.mail);
    CHECK(first.remark == "its certificate ends on 2025-12-11, in 10 days");

    const auto again = watched.look("f1", 10.5);
    CHECK(again.intents.empty());
    CHECK(again.remark == first.remark);
    CHECK(watched.look("f2", 1.5).intents.size() == 2);
}

TEST_CASE("a certificate that ends later is not reported; one that ends today or has ended is") {
    Watched watched;
    CHECK(watched.look("far", 14.1).remark.empty());
    CHECK(watched.look("far", 14.1).intents.empty());
    CHECK(watched.look("today", 0.5).remark == "its certificate ends on 2025-12-01, within a day");
    CHECK(watched.look("tomorrow", 1.5).remark == "its certificate ends on 2025-12-02, in 1 day");
    CHECK(watched.look("over", -1).remark == "its certificate ended on 2025-11-30");
}

TEST_CASE("without smtp_alert there is a line and no mail") {
    Watched watched;
    watched.server.smtp_alert = false;
    CHECK(watched.look("f1", 1).intents.size() == 1);
}
