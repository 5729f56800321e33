#include "mainstay/config/mail_address.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::config;
using Tls = MailRelay::Tls;

TEST_CASE("a relay has a scheme, a host and perhaps a port") {
    CHECK(*mail_relay("smtp://127.0.0.1") == MailRelay{"127.0.0.1", 25, Tls::Off});
    CHECK(*mail_relay("starttls://mx1.example.net") == MailRelay{"mx1.example.net", 587, Tls::StartTls});
    CHECK(*mail_relay("smtps://mx1.example.net") == MailRelay{"mx1.example.net", 465, Tls::Implicit});
    CHECK(*mail_relay("smtp://mx-1.my_lan") == MailRelay{"mx-1.my_lan", 25, Tls::Off});
    CHECK(*mail_relay("smtp://A-mx0.EXAMPLE.Zone9") == MailRelay{"A-mx0.EXAMPLE.Zone9", 25, Tls::Off});
    CHECK(*mail_relay("smtp://" + std::string(253, 'a')) == MailRelay{std::string(253, 'a'), 25, Tls::Off});
    CHECK(*mail_relay("smtp://a:65535") == MailRelay{"a", 65535, Tls::Off});
    CHECK(*mail_relay("smtps://[2001:db8::1]") == MailRelay{"2001:db8::1", 465, Tls::Implicit});
    CHECK(*mail_relay("smtp://mx1:9") == MailRelay{"mx1", 9, Tls::Off});
    CHECK(*mail_relay("starttls://[::1]:2587") == MailRelay{"::1", 2587, Tls::StartTls});
}

TEST_CASE("what is no relay is refused with the reason") {
    const auto why = [](const char* text) { return mail_relay(text).error().text(); };
    CHECK(why("mx1") == "the relay \"mx1\" must begin with smtp://, starttls:// or smtps://");
    CHECK(why("http://mx1") == "the relay \"http://mx1\" must begin with smtp://, starttls:// or smtps://");
    CHECK(why("smtp://") == "the relay \"smtp://\" names no host");
    CHECK(why("smtp://a/b") == "the relay \"smtp://a/b\" names no host");
    for (const char* text : {"smtp://a@b", "smtp://a[b", "smtp://a`b", "smtp://a{b", "smtp://a/b"})
        CHECK(why(text) == "the relay \"" + std::string{text} + "\" names no host");
    CHECK_FALSE(mail_relay("smtp://" + std::string(254, 'a')).has_value());
    CHECK(why("smtp://u:p@a") == "the relay \"smtp://u:p@a\" must end with a port from 1 to 65535");
    CHECK(why("smtp://[::1") == "the relay \"smtp://[::1\" has no ] after its address");
    CHECK(why("smtp://[]") == "the relay \"smtp://[]\" names no host");
    CHECK(why("smtp://[x]") == "the relay \"smtp://[x]\" names no host");
    for (const char* text : {"smtp://a:", "smtp://a:0", "smtp://a:65536", "smtp://a:1x", "smtp://[::1]1", "smtp://::1"})
        CHECK_MESSAGE(!mail_relay(text).has_value(), text);
}
