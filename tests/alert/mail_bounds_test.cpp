// Mails at their bounds: long names, many recipients, dates, ids.
#include <doctest/doctest.h>

#include "mail_host.hpp"
#include "mainstay/alert/mail.hpp"

namespace mainstay::alert {
namespace {

config::Global shortest_settings() {
    config::Global global;
    global.router_id = "R";
    global.notification_email = {{.address = "a@x"}};
    return global;
}

Mail notice(const std::string& id, const std::string& text = "text", const std::string& body = "body") {
    return compose_notice(id, text, body, {5'000'000}, shortest_settings(), kHost);
}

std::string to_header(std::vector<std::size_t> sizes) {
    Mail mail = notice("n");
    mail.to.clear();
    for (const auto size : sizes) mail.to.push_back({.address = std::string(size, 'a')});
    const std::string message = render_message(mail, kHost);
    const auto begin = message.find("\r\nTo: ") + 6, end = message.find("\r\nMessage-ID");
    return message.substr(begin, end - begin);
}

std::string a(std::size_t size) { return std::string(size, 'a'); }

std::string day(std::int64_t unix_s, int offset = 0) { return rfc5322_date({unix_s * 1'000'000}, offset); }

}  // namespace

TEST_CASE("an id keeps letters, digits, dots and dashes, and has 255 of them at most") {
    CHECK(notice("azAZ09-.").id == "azAZ09-.");
    CHECK(notice("`{@[/:,_").id == "--------");
    CHECK(notice(a(255)).id == a(255));
    CHECK(notice(a(256)).id == a(255));
}

TEST_CASE("a router id of 255 bytes stays, a longer one is cut; the host's name stands in for it") {
    config::Global global = shortest_settings();
    global.router_id = a(255);
    CHECK(compose_notice("n", "t", "b", {}, global, kHost).router_id == a(255));
    global.router_id = a(256);
    CHECK(compose_notice("n", "t", "b", {}, global, kHost).router_id == a(252) + "...");
    global.router_id.clear();
    CHECK(compose_notice("n", "t", "b", {}, global, kHost).router_id == "vm");
}

TEST_CASE("subject and body have 900 bytes at most, and say when the rest is cut") {
    CHECK(notice("n", a(896)).items[0].subject == "[R] " + a(896));
    CHECK(notice("n", a(897)).items[0].subject == "[R] " + a(893) + "...");
    CHECK(notice("n", "t", a(894)).items[0].body == "=> " + a(894) + " <=");
    CHECK(notice("n", "t", a(895)).items[0].body == "=> " + a(894) + "...");
    CHECK(notice("n").items[0].at.unix_us == 5'000'000);
}

TEST_CASE("recipients fold between addresses before a line has more than 900 bytes") {
    CHECK(to_header({3, 3}) == "aaa, aaa");
    CHECK(to_header({400, 496}) == a(400) + ", " + a(496));
    CHECK(to_header({400, 497}) == a(400) + ",\r\n " + a(497));
    CHECK(to_header({400, 100, 394}) == a(400) + ", " + a(100) + ", " + a(394));
    CHECK(to_header({400, 100, 395}) == a(400) + ", " + a(100) + ",\r\n " + a(395));
    CHECK(to_header({400, 497, 402}) == a(400) + ",\r\n " + a(497) + ", " + a(402));
    CHECK(to_header({400, 497, 403}) == a(400) + ",\r\n " + a(497) + ",\r\n " + a(403));
}

TEST_CASE("a body that is not ASCII goes in lines of 76 base64 characters") {
    Mail mail = notice("n");
    mail.items[0].body = "\u00fc" + a(51);  // 53 bytes and two line ends: one line
    CHECK(render_message(mail, kHost)
              .ends_with(
                  "base64\r\n\r\nw7xhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWENCg0K\r\n"));
    const std::string longer = [&mail] {
        mail.items[0].body += "bb";
        return render_message(mail, kHost);
    }();
    const auto body = longer.substr(longer.find("\r\n\r\n") + 4);
    CHECK(body.find("\r\n") == 76);
    CHECK(body.ends_with("\r\n") == true);
    CHECK(body.substr(78).find("\r\n") == body.size() - 80);
}

TEST_CASE("a mail without items has the time at which it was queued, a host without a name is localhost") {
    Mail mail = notice("n");
    mail.items.clear();
    mail.queued = {1'795'163'866'000'000};
    const std::string message = render_message(mail, {.host_name = "", .utc_offset_s = 3600});
    CHECK(message.starts_with("Date: Fri, 20 Nov 2026 09:37:46 +0100\r\n"));
    CHECK(message.find("Message-ID: <n@localhost>\r\n") != std::string::npos);
    CHECK(message.find("Subject: [R] 0 alerts in one digest\r\n") != std::string::npos);
}

TEST_CASE("a mail that counts more than it lists is a digest, though it lists one") {
    Mail mail = notice("n");
    mail.unlisted = 1;
    const std::string message = render_message(mail, kHost);
    CHECK(message.find("Subject: [R] 2 alerts in one digest\r\n") != std::string::npos);
    CHECK(message.ends_with("\r\n=> body <=\r\n\r\n1 more alerts are not listed here; see the log.\r\n\r\n"));
}

TEST_CASE("a digest has the newest time of its mails and counts from where they stopped") {
    Mail first = notice("a"), second = notice("b");
    first.queued = {1}, second.queued = {2};
    first.unlisted = 3, second.unlisted = 4;
    const Mail digest = merge({first, second});
    CHECK(digest.queued.unix_us == 2);
    CHECK(digest.unlisted == 7);
    CHECK(digest.id == "digest.9.b");
    CHECK(digest.from.address == "root@vm");
    CHECK(digest.router_id == "R");
    CHECK(merge({}).id == "digest.0.");
    CHECK(merge(std::vector<Mail>(kDigestItemsMax, first)).items.size() == 500);
    CHECK(merge(std::vector<Mail>(kDigestItemsMax, first)).unlisted == 1500);
}

TEST_CASE("every weekday and month, and the offsets of whole days, have their date") {
    CHECK(day(1'704'067'200) == "Mon, 01 Jan 2024 00:00:00 +0000");
    CHECK(day(1'707'000'000) == "Sat, 03 Feb 2024 22:40:00 +0000");
    CHECK(day(1'710'000'000) == "Sat, 09 Mar 2024 16:00:00 +0000");
    CHECK(day(1'712'000'000) == "Mon, 01 Apr 2024 19:33:20 +0000");
    CHECK(day(1'715'000'000) == "Mon, 06 May 2024 12:53:20 +0000");
    CHECK(day(1'718'000'000) == "Mon, 10 Jun 2024 06:13:20 +0000");
    CHECK(day(1'720'000'000) == "Wed, 03 Jul 2024 09:46:40 +0000");
    CHECK(day(1'723'000'000) == "Wed, 07 Aug 2024 03:06:40 +0000");
    CHECK(day(1'726'000'000) == "Tue, 10 Sep 2024 20:26:40 +0000");
    CHECK(day(1'728'000'000) == "Fri, 04 Oct 2024 00:00:00 +0000");
    CHECK(day(1'732'000'000) == "Tue, 19 Nov 2024 07:06:40 +0000");
    CHECK(day(1'735'689'599) == "Tue, 31 Dec 2024 23:59:59 +0000");
    CHECK(day(1'704'067'200, 86'399) == "Mon, 01 Jan 2024 23:59:59 +2359");
    CHECK(day(1'704'067'200, 86'400) == "Mon, 01 Jan 2024 00:00:00 +0000");
    CHECK(day(1'704'067'200, -86'399) == "Sun, 31 Dec 2023 00:00:01 -2359");
    CHECK(day(1'704'067'200, -86'400) == "Mon, 01 Jan 2024 00:00:00 +0000");
    CHECK(day(86'401) == "Fri, 02 Jan 1970 00:00:01 +0000");
    CHECK(day(86'399) == "Fri, 02 Jan 1970 00:00:00 +0000");
    CHECK(day(253'402'214'399) == "Thu, 30 Dec 9999 23:59:59 +0000");
    CHECK(day(253'402'214'398) == "Thu, 30 Dec 9999 23:59:58 +0000");
}

}  // namespace mainstay::alert
