#include "mainstay/alert/mail.hpp"

#include <doctest/doctest.h>

#include "mail_host.hpp"

namespace mainstay::alert {
namespace {

constexpr WallTime kMailedAt{1'795'163'866'000'000};  // 2026-11-20 08:37:46 UTC

config::Global mail_settings() {
    config::Global global;
    global.router_id = "LVS_MASTER";
    global.notification_email = {{.address = "a@example.org"}, {.address = "b@example.org"}};
    global.smtp_server = "10.77.0.1";
    return global;
}

Event vrrp(Event::Kind kind, const char* name, const char* state, const char* detail = "x") {
    return {.kind = kind,
            .name = name,
            .transition = transition_from(state).value(),
            .detail = detail,
            .at = kMailedAt,
            .number = 7};
}

std::string subject(const Event& event) { return compose(event, mail_settings(), kHost).items.at(0).subject; }

std::string rendered(const Event& event) { return render_message(compose(event, mail_settings(), kHost), kHost); }

// The value of a header, unfolded; empty when it is not there.
std::string header(const std::string& message, const std::string& name) {
    const std::string head = "\r\n" + message.substr(0, message.find("\r\n\r\n") + 2);
    auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    at += name.size() + 4;
    auto end = head.find("\r\n", at);
    while (end + 2 < head.size() && head[end + 2] == ' ') end = head.find("\r\n", end + 2);
    return head.substr(at, end - at);
}

}  // namespace

TEST_CASE("a mail about an instance is keepalived's to the byte, with a Message-ID added") {
    const auto event = vrrp(Event::Kind::Instance, "VI_1", "MASTER", "VRRP Instance is now owning VRRP VIPs");

    CHECK(rendered(event) ==
          "Date: Fri, 20 Nov 2026 08:37:46 +0000\r\n"
          "From: root@vm\r\n"
          "Subject: [LVS_MASTER] VRRP Instance VI_1 - Entering MASTER state\r\n"
          "X-Mailer: Keepalived\r\n"
          "To: a@example.org, b@example.org\r\n"
          "Message-ID: <vrrp.7.1795163866000000@vm>\r\n"
          "\r\n"
          "=> VRRP Instance is now owning VRRP VIPs <=\r\n"
          "\r\n");
}

TEST_CASE("a mail about a real server names it and its virtual server") {
    const Event event{.kind = Event::Kind::RealServer,
                      .name = "[10.0.0.11]:tcp:80",
                      .parent = "[10.0.0.1]:tcp:80",
                      .transition = Transition::Down,
                      .detail = "TCP CHECK failed on service",
                      .at = kMailedAt,
                      .number = 3};
    const Mail mail = compose(event, mail_settings(), kHost);

    CHECK(mail.id == "lvs.3.1795163866000000");
    CHECK(mail.items[0].subject ==
          "[LVS_MASTER] Realserver [10.0.0.11]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN");
    CHECK(mail.items[0].body == "=> TCP CHECK failed on service <=");
}

TEST_CASE("every transition has keepalived's subject") {
    using Kind = Event::Kind;
    CHECK(subject(vrrp(Kind::Instance, "VI_1", "BACKUP")) == "[LVS_MASTER] VRRP Instance VI_1 - Entering BACKUP state");
    CHECK(subject(vrrp(Kind::Instance, "VI_1", "FAULT")) == "[LVS_MASTER] VRRP Instance VI_1 - Entering FAULT state");
    CHECK(subject(vrrp(Kind::Instance, "VI_1", "STOP")) == "[LVS_MASTER] VRRP Instance VI_1 - Stopping");
    CHECK(subject(vrrp(Kind::Instance, "VI_1", "DELETED")) == "[LVS_MASTER] VRRP Instance VI_1 - Deleted");
    CHECK(subject(vrrp(Kind::Group, "G1", "MASTER")) == "[LVS_MASTER] VRRP Group G1 - Entering MASTER state");
    CHECK(subject(vrrp(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")) ==
          "[LVS_MASTER] Virtualserver [10.0.0.1]:tcp:80 - UP");
}

TEST_CASE("the sender and the router id come from the configuration, else from the host") {
    config::Global global = mail_settings();
    global.router_id.clear();
    const Mail from_host = compose(vrrp(Event::Kind::Instance, "VI_1", "MASTER"), global, kHost);
    global.notification_email_from = {.address = "ops@example.org"};
    const Mail configured = compose(vrrp(Event::Kind::Instance, "VI_1", "MASTER"), global, kHost);

    CHECK(from_host.items[0].subject == "[vm] VRRP Instance VI_1 - Entering MASTER state");
    CHECK(from_host.from.address == "root@vm");
    CHECK(configured.from.address == "ops@example.org");
}

TEST_CASE("the names of sender and recipients are in the header, the envelope has the addresses alone") {
    config::Global global = mail_settings();
    global.notification_email = {{.address = "duty@example.org", .name = "Duty Admin"},
                                 {.address = "jane@example.org", .name = "Doe, Jane \"JD\""},
                                 {.address = "juerg@example.org", .name = "J\u00fcrg"},
                                 {.address = "bare@example.org"}};
    global.notification_email_from = {.address = "ha@example.org", .name = "HA Pair"};

    const Mail mail = compose(vrrp(Event::Kind::Instance, "VI_1", "MASTER"), global, kHost);
    const std::string message = render_message(mail, kHost);

    CHECK(mail.from.address == "ha@example.org");
    CHECK(envelope_of(mail.to) ==
          std::vector<std::string>{"duty@example.org", "jane@example.org", "juerg@example.org", "bare@example.org"});
    CHECK(header(message, "From") == "HA Pair <ha@example.org>");
    CHECK(header(message, "To") ==
          "Duty Admin <duty@example.org>, \"Doe, Jane \\\"JD\\\"\" <jane@example.org>, =?UTF-8?B?SsO8cmc=?= "
          "<juerg@example.org>, bare@example.org");
}

TEST_CASE("a name with line ends adds no header") {
    const config::Global global = mail_settings();
    const Event event = vrrp(Event::Kind::Instance, "VI\r\nBcc: evil@example.org\r\n\r\nbody", "MASTER", "a\n.\nb");

    const Mail mail = compose(event, global, kHost);
    const std::string message = render_message(mail, kHost);

    CHECK(header(message, "Subject") ==
          "[LVS_MASTER] VRRP Instance VI  Bcc: evil@example.org    body - Entering MASTER state");
    CHECK(header(message, "Bcc").empty());
    CHECK(message.ends_with("\r\n\r\n=> a . b <=\r\n\r\n"));
}

TEST_CASE("an id that comes from a name cannot leave its folder") {
    const Mail mail = compose_notice("../../etc/passwd\n", "text", "body", kMailedAt, mail_settings(), kHost);

    CHECK(mail.id == "..-..-etc-passwd-");
}

TEST_CASE("a name in UTF-8 is encoded in the subject and in the body") {
    const Event event = vrrp(Event::Kind::Instance, "Zürich", "MASTER", "grüezi");
    const std::string message = rendered(event);

    CHECK(header(message, "Subject") ==
          "=?UTF-8?B?W0xWU19NQVNURVJdIFZSUlAgSW5zdGFuY2UgWsO8cmljaCAtIEVudGVy?=\r\n"
          " =?UTF-8?B?aW5nIE1BU1RFUiBzdGF0ZQ==?=");
    CHECK(header(message, "Content-Transfer-Encoding") == "base64");
    CHECK(message.ends_with("\r\n\r\nPT4gZ3LDvGV6aSA8PQ0KDQo=\r\n"));
}

TEST_CASE("bytes that are not UTF-8 become replacement characters") {
    CHECK(subject(vrrp(Event::Kind::Group, "a\xFF\xC0\xAF\xED\xA0\x80z\xE2\x82", "FAULT")) ==
          "[LVS_MASTER] VRRP Group a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDz\uFFFD\uFFFD - Entering FAULT state");
}

TEST_CASE("an over-long name is cut between characters and no line passes the limit of mail") {
    std::string name;
    for (int i = 0; i < 1000; ++i) name += "ü";
    const Event event = vrrp(Event::Kind::Instance, name.c_str(), "MASTER", name.c_str());
    const Mail mail = compose(event, mail_settings(), kHost);
    const std::string message = render_message(mail, kHost);

    CHECK(mail.items[0].subject.size() <= kSubjectBytesMax);
    CHECK(mail.items[0].subject.ends_with("ü..."));
    for (std::size_t at = 0; at < message.size();) {
        const auto end = message.find("\r\n", at);
        REQUIRE(end != std::string::npos);
        REQUIRE(end - at <= 998);
        at = end + 2;
    }
}

TEST_CASE("merged mails become one digest that lists each of them") {
    Mail first = compose(vrrp(Event::Kind::Instance, "VI_1", "MASTER", "one"), mail_settings(), kHost);
    Mail second = compose(vrrp(Event::Kind::Instance, "VI_2", "FAULT", "two"), mail_settings(), kHost);
    first.queued = {2'000'000};
    second.queued = {1'000'000};
    second.id = "vrrp.8.5";

    const Mail digest = merge({first, second});

    CHECK(digest.id == "digest.2.vrrp.8.5");
    CHECK(digest.merged == std::vector<std::string>{"vrrp.7.1795163866000000", "vrrp.8.5"});
    CHECK(digest.queued.unix_us == 2'000'000);
    CHECK(digest.to == first.to);
    const std::string message = render_message(digest, kHost);
    CHECK(header(message, "Subject") == "[LVS_MASTER] 2 alerts in one digest");
    CHECK(
        message.ends_with("\r\n\r\n"
                          "Fri, 20 Nov 2026 08:37:46 +0000\r\n"
                          "[LVS_MASTER] VRRP Instance VI_1 - Entering MASTER state\r\n"
                          "=> one <=\r\n"
                          "\r\n"
                          "Fri, 20 Nov 2026 08:37:46 +0000\r\n"
                          "[LVS_MASTER] VRRP Instance VI_2 - Entering FAULT state\r\n"
                          "=> two <=\r\n"
                          "\r\n"));
}

TEST_CASE("a digest merged again gets a new id and keeps counting what it has no room for") {
    const Mail one = compose(vrrp(Event::Kind::Instance, "VI_1", "MASTER"), mail_settings(), kHost);
    std::vector<Mail> many(kDigestItemsMax + 5, one);
    many.back().id = "vrrp.9.9";

    const Mail digest = merge(many);
    const Mail again = merge({digest, digest});

    CHECK(digest.items.size() == kDigestItemsMax);
    CHECK(digest.unlisted == 5);
    CHECK(digest.id == "digest.505.vrrp.9.9");
    CHECK(again.id == "digest.1010.vrrp.9.9");
    CHECK(again.unlisted == 510);
    CHECK(render_message(again, kHost).find("510 more alerts are not listed here") != std::string::npos);
    CHECK(header(render_message(again, kHost), "Subject") == "[LVS_MASTER] 1010 alerts in one digest");
}

TEST_CASE("the Date header is in local time with its offset") {
    CHECK(rfc5322_date(kMailedAt, 0) == "Fri, 20 Nov 2026 08:37:46 +0000");
    CHECK(rfc5322_date(kMailedAt, 19'800) == "Fri, 20 Nov 2026 14:07:46 +0530");
    CHECK(rfc5322_date(kMailedAt, -34'200) == "Thu, 19 Nov 2026 23:07:46 -0930");
    CHECK(rfc5322_date({1'709'164'800'000'000}, 0) == "Thu, 29 Feb 2024 00:00:00 +0000");
    CHECK(rfc5322_date({INT64_MAX}, 0) == "Thu, 30 Dec 9999 23:59:59 +0000");
    CHECK(rfc5322_date({INT64_MIN}, 999'999) == "Fri, 02 Jan 1970 00:00:00 +0000");
}

}  // namespace mainstay::alert
