// The mails of ldirectord, and what else becomes settings of all services.
#include "import_helper.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

std::string service(int number, const std::string& settings = {}) {
    return "virtual=10.0.0." + std::to_string(number) + ":80\n\treal=10.0.0.11:80 masq\n\tchecktype=on\n" + settings;
}
// The lines of global_defs, and the comments above it.
Strings mail_lines(const Imported& made) {
    const Strings all = lines_of(made.text.substr(0, made.text.find("virtual_server")));
    return {all.begin() + 1, all.end()};
}
const std::string kNoSmtp = "# ldirectord used the host's own mailer: smtp_server is the host itself";
const std::string kSmtp = "smtp=10.0.0.5\n";

}  // namespace

TEST_CASE("the recipients, the sender and the relay of mails are those outside of virtuals") {
    struct Row {
        std::string text;
        Strings lines, lost;
    };
    const Row rows[] = {
        {"", {}, {}},
        {kSmtp, {}, {}},
        {"emailalert=a@example.com\n" + kSmtp,
         {"global_defs {", "notification_email {", "a@example.com", "smtp_server 10.0.0.5"},
         {}},
        {"emailalert=a@example.com\n",
         {kNoSmtp, "global_defs {", "notification_email {", "a@example.com", "smtp_server 127.0.0.1"},
         {}},
        {"emailalert=\"a@example.com,b@example.com c@example.com\"\nemailalertfrom=l@example.com\nsmtp=mail\n",
         {"global_defs {", "notification_email {", "a@example.com", "b@example.com", "c@example.com",
          "notification_email_from l@example.com", "smtp_server mail"},
         {}},
        {"emailalert=\"a@example.com;b@example.com root d@example.com\"\n" + kSmtp,
         {"# not carried over (line 1): a@example.com;b@example.com: it is no plain mail address",
          "# not carried over (line 1): root: it is no plain mail address", "global_defs {", "notification_email {",
          "d@example.com", "smtp_server 10.0.0.5"},
         {"a@example.com;b@example.com: it is no plain mail address", "root: it is no plain mail address"}},
        {"emailalert=a@example.com\nemailalertfrom=\"L <l@example.com>\"\n" + kSmtp,
         {"global_defs {", "notification_email {", "a@example.com", "notification_email_from L <l@example.com>",
          "smtp_server 10.0.0.5"},
         {}},
        {"emailalert=a@example.com\nemailalertfrom=l@example.com,m@example.com\n" + kSmtp,
         {"# not carried over (line 2): l@example.com,m@example.com: it is not one mail address", "global_defs {",
          "notification_email {", "a@example.com", "smtp_server 10.0.0.5"},
         {"l@example.com,m@example.com: it is not one mail address"}},
        {"emailalert=a@example.com\nsmtp=\"a b\"\n",
         {"# not carried over (line 2): a b: it is neither an address nor a host name", "global_defs {",
          "notification_email {", "a@example.com", "smtp_server 127.0.0.1"},
         {"a b: it is neither an address nor a host name"}},
        {"emailalert=a@example.com\nemailalertstatus=none\n" + kSmtp, {}, {}},
        {"emailalert=\" , \"\n" + kSmtp, {}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto made = from_ldirectord(row.text + service(1));
        CHECK(mail_lines(made) == row.lines);
        CHECK(losses(made) == row.lost);
        CHECK(made.text.find("smtp_alert") == std::string::npos);
    }
}

TEST_CASE("no recipient that is an address, no mails") {
    const auto made = from_ldirectord("\n" + service(1, "\temailalert=root\n"));

    CHECK(made.lost == std::vector<ImportProblem>{{5, "root: it is no plain mail address"}});
    CHECK(made.text.find("global_defs") == std::string::npos);
}

TEST_CASE("a service has mails to the one list of recipients, or none") {
    struct Row {
        std::string first, second;
        std::string recipients;
        bool silent_first, silent_second;
        Strings lost;
    };
    const std::string a = "\temailalert=a@example.com\n", b = "\temailalert=b@example.com\n";
    const std::string none = "\temailalertstatus=none\n", all = "\temailalertstatus=all\n";
    const std::string other = "keepalived.conf has one list of recipients for all services: ";
    const Row rows[] = {
        {"", "", "(absent)", false, false, {}},
        {a, a, "a@example.com", false, false, {}},
        {a, "", "a@example.com", false, true, {}},
        {"", b, "b@example.com", true, false, {}},
        {a, b, "a@example.com", false, false, {"emailalert=b@example.com: " + other + "a@example.com"}},
        {a + none, b, "b@example.com", true, false, {}},
        {a + none, a + all, "a@example.com", true, false, {}},
        {a + none, b + none, "(absent)", false, false, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.first);
        CAPTURE(row.second);
        const auto made = from_ldirectord(kSmtp + service(1, row.first) + service(2, row.second));
        const auto silent = [&](const std::string& begin, const char* end) {
            return between(made.text, begin, end).find("        smtp_alert false\n") != std::string::npos;
        };
        CHECK(between(made.text, "notification_email {\n        ", "\n") == row.recipients);
        CHECK(silent("virtual_server 10.0.0.1 80", "virtual_server 10.0.0.2 80") == row.silent_first);
        CHECK(silent("virtual_server 10.0.0.2 80", "end") == row.silent_second);
        CHECK(losses(made) == row.lost);
    }
}

TEST_CASE("a service's own list gives way to that of all, and a server without mails says so first") {
    const std::string global = "emailalert=g@example.com\n" + kSmtp;
    const auto made = from_ldirectord(global + service(1, "\temailalert=a@example.com\n") +
                                      service(2, "\temailalert=\"g@example.com,\"\n") +
                                      service(3, "\tchecktype=connect\n\temailalertstatus=none\n") + service(4));

    CHECK(made.lost == std::vector<ImportProblem>{{6,
                                                   "emailalert=a@example.com: keepalived.conf has one list of "
                                                   "recipients for all services: g@example.com"}});
    CHECK(made.text.find("        weight 1\n        smtp_alert false\n        TCP_CHECK {\n") != std::string::npos);
    CHECK(made.text.find("smtp_alert") == made.text.rfind("smtp_alert"));
    CHECK(between(made.text, "notification_email {\n        ", "    }") == "g@example.com\n");
}

TEST_CASE("scripts run as root, which global_defs says once, and only for services that are there") {
    const std::string security = "global_defs {\n    enable_script_security\n    script_user root\n}\n";
    const std::string script = "\tchecktype=external\n\tcheckcommand=/bin/x\n";
    const auto two = from_ldirectord(service(1, script) + service(2, script));
    CHECK(two.text.find("\n\n" + security + "\nvirtual_server ") != std::string::npos);
    CHECK(two.text.find("enable_script_security") == two.text.rfind("enable_script_security"));
    CHECK(from_ldirectord(service(1, script) + service(2)).text.find(security) != std::string::npos);
    CHECK(from_ldirectord(service(1) + service(2, "\tfallbackcommand=/bin/x\n")).text.find(security) !=
          std::string::npos);
    CHECK(from_ldirectord(service(1) + service(1, script)).text.find("global_defs") == std::string::npos);
    CHECK(from_ldirectord("emailalert=a@example.com\n" + kSmtp + service(1, script))
              .text.find("    script_user root\n    notification_email {\n") != std::string::npos);
}

TEST_CASE("that redirects are not followed is said where pages are requested") {
    const std::string_view said = "follow no redirects";
    const auto says = [&](const std::string& settings) {
        return from_ldirectord(service(1) + service(2, settings)).text.find(said) != std::string::npos;
    };
    CHECK(says("\tchecktype=negotiate\n\tservice=http\n"));
    CHECK(says("\tchecktype=negotiate\n\tservice=https\n"));
    CHECK(!says("\tchecktype=negotiate\n\tservice=http_proxy\n"));
    CHECK(!says("\tchecktype=connect\n"));
}
