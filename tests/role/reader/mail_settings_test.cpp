// [mail] of mainstay.toml, and the file of its credentials.
#include "../../needs.hpp"
#include "role/reader/host_plan.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "../role_process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

using Strings = std::vector<std::string>;

struct MailBench {
    ipc::MailSettings read() {
        problems.clear();
        return mail_settings(settings, problems);
    }
    std::string secret(const std::string& text, mode_t mode = 0600) {
        const std::string path = folder / "secret";
        std::ofstream{path, std::ios::trunc} << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }

    Folder folder;
    config::Settings settings;
    Strings problems;
};

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("reader process" * mainstay::test::kNeedsRoot);

TEST_CASE("relays keep their order and their ports, and one that is none is left out and named") {
    MailBench bench;
    bench.settings.mail_relays = {"smtps://mail.example.org", "ftp://x", "smtp://10.0.0.9:2525"};
    bench.settings.mail_tls_ca = "/etc/ca.pem";
    const ipc::MailSettings mail = bench.read();
    CHECK(mail.relays == std::vector<ipc::MailRelay>{{"mail.example.org", 465, 2}, {"10.0.0.9", 2525, 0}});
    CHECK(mail.ca_file == "/etc/ca.pem");
    CHECK(mail.user.empty());
    REQUIRE(bench.problems.size() == 1);
    CHECK(bench.problems[0].starts_with("[mail] relays: "));
    CHECK(bench.problems[0].ends_with("; it is left out"));
}

TEST_CASE("without relays and credentials there is nothing to say") {
    MailBench bench;
    CHECK(bench.read() == ipc::MailSettings{});
    CHECK(bench.problems.empty());
}

TEST_CASE("the user is the first line of the credentials, and the password the second") {
    MailBench bench;
    bench.settings.mail_relays = {"starttls://mail.example.org"};
    for (const char* text : {"lb1\nsecret\n", "lb1\r\nsecret\r\n", "lb1\nsecret", "lb1\nsecret\nmore\n"}) {
        CAPTURE(text);
        bench.settings.mail_credentials = bench.secret(text);
        const ipc::MailSettings mail = bench.read();
        CHECK(mail.user == "lb1");
        CHECK(mail.password == "secret");
        CHECK(bench.problems.empty());
    }
}

TEST_CASE("credentials that are not whole, or that others may read, are not used") {
    MailBench bench;
    bench.settings.mail_relays = {"starttls://mail.example.org"};
    for (const char* text : {"", "lb1\n", "lb1", "\nsecret\n"}) {
        CAPTURE(text);
        const std::string path = bench.settings.mail_credentials = bench.secret(text);
        CHECK(bench.read().user.empty());
        CHECK(bench.problems == Strings{"[mail] credentials: " + path +
                                        " must have the user name in its first line and the password in its second "
                                        "one; mails are sent without them"});
    }
    const std::string path = bench.settings.mail_credentials = bench.secret("lb1\nsecret\n", 0640);
    CHECK(bench.read().user.empty());
    CHECK(bench.problems ==
          Strings{"[mail] credentials: " + path + " may be read by others than its owner: chmod 600 " + path +
                  "; mails are sent without them"});
}

TEST_CASE("credentials are not for a server without TLS, which is said where one is named or may be") {
    MailBench bench;
    bench.settings.mail_credentials = bench.secret("lb1\nsecret\n");
    const Strings told{"[mail] credentials are not given to servers without TLS: name them as starttls:// or smtps://"};
    (void)bench.read();
    CHECK(bench.problems == told);
    bench.settings.mail_relays = {"smtps://a.example.org", "smtp://b.example.org"};
    (void)bench.read();
    CHECK(bench.problems == told);
    bench.settings.mail_relays = {"smtp://b.example.org", "smtps://a.example.org"};
    (void)bench.read();
    CHECK(bench.problems == told);
    bench.settings.mail_relays = {"smtps://a.example.org", "starttls://b.example.org"};
    (void)bench.read();
    CHECK(bench.problems.empty());
}

TEST_SUITE_END();
