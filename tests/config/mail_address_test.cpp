#include "mainstay/config/mail_address.hpp"

#include <doctest/doctest.h>

namespace mainstay::config {
namespace {

using MailList = std::vector<MailAddress>;

MailList read_mail(std::string_view text) {
    const auto all = mail_addresses(text);
    for (const auto& problem : all.problems) FAIL_CHECK(problem.what);
    return all.addresses;
}

// The only problem: "place+length text".
std::string mail_problem(std::string_view text) {
    const auto all = mail_addresses(text);
    if (all.problems.size() != 1) return std::to_string(all.problems.size()) + " problems";
    const auto& one = all.problems[0];
    return std::to_string(one.at) + "+" + std::to_string(one.length) + " " + one.what;
}

}  // namespace

TEST_CASE("a bare address, and one in brackets") {
    CHECK(read_mail("duty@example.org") == MailList{{"duty@example.org", ""}});
    CHECK(read_mail("<duty@example.org>") == MailList{{"duty@example.org", ""}});
    CHECK(read_mail("o'neil+ha.2@sub-1.example.org") == MailList{{"o'neil+ha.2@sub-1.example.org", ""}});
    CHECK(read_mail("a@[192.0.2.1] a@[IPv6:2001:db8::1]") ==
          MailList{{"a@[192.0.2.1]", ""}, {"a@[IPv6:2001:db8::1]", ""}});
    CHECK(read_mail("\"john doe\"@example.org") == MailList{{"\"john doe\"@example.org", ""}});
    CHECK(read_mail("j\u00fcrg@z\u00fcri.example") == MailList{{"j\u00fcrg@z\u00fcri.example", ""}});
}

TEST_CASE("a name with its address") {
    CHECK(read_mail("Duty Admin <duty@example.org>") == MailList{{"duty@example.org", "Duty Admin"}});
    CHECK(read_mail("\"Duty Admin <duty@example.org>\"") == MailList{{"duty@example.org", "Duty Admin"}});
    CHECK(read_mail("\"Doe, Jane\" <jane@example.org>") == MailList{{"jane@example.org", "Doe, Jane"}});
    CHECK(read_mail("Duty<duty@example.org>") == MailList{{"duty@example.org", "Duty"}});
    CHECK(read_mail("\"Jane \\\"JD\\\" Doe\" < jane@example.org >") ==
          MailList{{"jane@example.org", "Jane \"JD\" Doe"}});
    CHECK(read_mail("J\u00fcrg <j@example.org>") == MailList{{"j@example.org", "J\u00fcrg"}});
}

TEST_CASE("several addresses, separated by commas or blanks") {
    CHECK(read_mail("a@x b@y") == MailList{{"a@x", ""}, {"b@y", ""}});
    CHECK(read_mail("a@x,b@y , c@z,") == MailList{{"a@x", ""}, {"b@y", ""}, {"c@z", ""}});
    CHECK(read_mail("\"a@x, b@y\"") == MailList{{"a@x", ""}, {"b@y", ""}});
    CHECK(read_mail("a@x Duty Admin <d@y> \"Doe, Jane\" <j@z>, e@v") ==
          MailList{{"a@x", ""}, {"d@y", "Duty Admin"}, {"j@z", "Doe, Jane"}, {"e@v", ""}});
}

TEST_CASE("a mailbox of the relay's own has no @, as in keepalived") {
    CHECK(read_mail("root") == MailList{{"root", ""}});
    CHECK(read_mail("root ops a@x") == MailList{{"root", ""}, {"ops", ""}, {"a@x", ""}});
    CHECK(read_mail("\"root\"") == MailList{{"root", ""}});
}

TEST_CASE("what is no address is said with its place") {
    CHECK(mail_problem("") == "0+1 '' is no mail address: it is empty");
    CHECK(mail_problem(" , ") == "0+3 '' is no mail address: it is empty");
    CHECK(mail_problem("Duty <>") == "5+2 '' is no mail address: it is empty");
    CHECK(mail_problem("a@") == "0+2 'a@' is no mail address: nothing stands behind the @");
    CHECK(mail_problem("@x") == "0+2 '@x' is no mail address: nothing stands before the @");
    CHECK(mail_problem("ok@x a@b@c") == "5+5 'a@b@c' is no mail address: it has two @");
    CHECK(mail_problem("a@x;") == "0+4 'a@x?' is no mail address: what stands behind the @ is no domain");
    CHECK(mail_problem("a@.x") == "0+4 'a@.x' is no mail address: what stands behind the @ is no domain");
    CHECK(mail_problem("a@x..y") == "0+6 'a@x..y' is no mail address: what stands behind the @ is no domain");
    CHECK(mail_problem("a(b@x") == "0+5 'a?b@x' is no mail address: a character before the @ needs quotes");
    CHECK(mail_problem("<a b@x>") == "0+7 'a b@x' is no mail address: a character before the @ needs quotes");
    CHECK(mail_problem("<a@x") == "0+4 '?a@x' is no mail address: a < is not closed");
    CHECK(mail_problem("\"a@x") == "0+4 '?a@x' is no mail address: a quote is not closed");
    CHECK(mail_problem("x>y") == "0+3 'x?y' is no mail address: it has no @, and a character that no mailbox has");
    CHECK(mail_problem("\"x@y Admin\"") == "5+5 'Admin' is no mail address: it has no @");
    CHECK(mail_problem("\"Doe, Jane <jane@x>\"") ==
          "1+3 'Doe' is no mail address: it has no @; a name with a comma needs quotes: \"Doe, Jane\" "
          "<jane@example.org>");
    CHECK(read_mail(std::string(250, 'a') + "@xyz").size() == 1);
    CHECK(mail_problem(std::string(250, 'a') + "@xy.z").ends_with("it is longer than 254 bytes"));
    CHECK(read_mail('"' + std::string(255, 'n') + "\" <a@x>").size() == 1);
    CHECK(mail_problem('"' + std::string(256, 'n') + "\" <a@x>").ends_with("its name is longer than 255 bytes"));
}

TEST_CASE("a line break or another control character is refused with all of its text") {
    CHECK(mail_problem("a@x\nRCPT TO:<evil@x>").ends_with("it has a control character"));
    CHECK(mail_problem("\"Duty\r\nBcc: evil@x\" <a@x>").ends_with("it has a control character"));
    CHECK(mail_problem("a@x\x1b[2J").ends_with("it has a control character"));
    CHECK(mail_addresses("a@x\nRCPT TO:<evil@x>").addresses.empty());
}

TEST_CASE("a text of an address is read as the same address") {
    for (const MailAddress& one :
         {MailAddress{"a@x", ""}, MailAddress{"a@x", "Duty Admin"}, MailAddress{"a@x", "Doe, \"J\\D\""},
          MailAddress{"a@x", "two  blanks"}, MailAddress{"a@x", "b@y"}, MailAddress{"root", "The < root >"}})
        CHECK(read_mail(to_text(one)) == MailList{one});
}

}  // namespace mainstay::config
