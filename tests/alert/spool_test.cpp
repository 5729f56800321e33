#include "mainstay/alert/spool.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "opened_spool.hpp"

namespace mainstay::alert {
namespace {

Mail mail(const std::string& id, const std::string& text = "hello") {
    return {.id = id,
            .from = {.address = "root@vm"},
            .to = {{.address = "a@example.org"}},
            .router_id = "R",
            .items = {{.subject = "[R] " + text, .body = "=> " + text + " <=", .at = {5}}},
            .queued = {1'000'000}};
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a spooled mail is there, whole, after a restart") {
    const TempFolder folder;
    Mail original = mail("vrrp.1.2", "Zürich \"quoted\" \x01");
    original.unlisted = 3;
    original.merged = {"vrrp.1.1"};
    REQUIRE(opened(folder).put(original).has_value());

    const Spool again = opened(folder);

    REQUIRE(again.mails().size() == 1);
    CHECK(again.mails().at("vrrp.1.2") == original);
    CHECK(again.bytes() == std::filesystem::file_size(folder.path("spool/vrrp.1.2.mail")));
    CHECK(again.problems().empty());
}

TEST_CASE("the spool is for its owner alone") {
    const TempFolder folder;
    Spool spool = opened(folder);
    REQUIRE(spool.put(mail("a")).has_value());

    using std::filesystem::perms;
    CHECK((std::filesystem::status(folder.path("spool")).permissions() & perms::all) == perms::owner_all);
    CHECK((std::filesystem::status(folder.path("spool/a.mail")).permissions() & perms::all) ==
          (perms::owner_read | perms::owner_write));
}

TEST_CASE("spooling the same mail twice leaves the first one") {
    const TempFolder folder;
    Spool spool = opened(folder);

    REQUIRE(spool.put(mail("a", "first")).has_value());
    REQUIRE(spool.put(mail("a", "second")).has_value());

    CHECK(spool.mails().at("a").items[0].subject == "[R] first");
    CHECK(folder.files("spool") == Names{"a.mail"});
}

TEST_CASE("a crash before the rename leaves no mail and no rubbish") {
    const TempFolder folder;
    {
        Spool spool = opened(folder);
    }
    folder.write("spool/.writing.a.mail", encode_mail(mail("a")).substr(0, 20));

    const Spool again = opened(folder);

    CHECK(again.mails().empty());
    CHECK(folder.files("spool").empty());
}

TEST_CASE("a crash after a digest was written does not leave what it stands for") {
    const TempFolder folder;
    Mail digest = merge({mail("a"), mail("b")});
    {
        Spool spool = opened(folder);
        REQUIRE(spool.put(mail("a")).has_value());
        REQUIRE(spool.put(mail("c")).has_value());
    }
    folder.write("spool/" + digest.id + ".mail", encode_mail(digest));

    const Spool again = opened(folder);

    CHECK(folder.files("spool") == Names{"c.mail", digest.id + ".mail"});
    CHECK(again.mails().size() == 2);
    CHECK(again.knows("a"));
    CHECK(again.knows("b"));
    CHECK_FALSE(again.knows("d"));
}

TEST_CASE("a digest takes the place of its mails") {
    const TempFolder folder;
    Spool spool = opened(folder);
    for (const char* id : {"a", "b", "c"}) REQUIRE(spool.put(mail(id)).has_value());

    const Mail digest = merge({mail("a"), mail("b")});
    REQUIRE(spool.put_digest(digest).has_value());

    CHECK(folder.files("spool") == Names{"c.mail", "digest.2.b.mail"});
    CHECK(spool.mails().at("digest.2.b").items.size() == 2);
    CHECK(opened(folder).bytes() == spool.bytes());
}

TEST_CASE("a damaged file is set aside and reported, the others are loaded") {
    const TempFolder folder;
    {
        Spool spool = opened(folder);
        REQUIRE(spool.put(mail("good")).has_value());
    }
    folder.write("spool/torn.mail", encode_mail(mail("torn")).substr(0, 60));
    folder.write("spool/empty.mail", "");
    folder.write("spool/other.mail", encode_mail(mail("someone")));
    folder.write("spool/typed.mail", R"({"format":1,"id":7})");
    std::filesystem::create_symlink("/etc/passwd", folder.path("spool/link.mail"));

    const Spool again = opened(folder);

    CHECK(again.mails().size() == 1);
    CHECK(again.problems().size() == 5);
    CHECK(folder.files("spool") == Names{"good.mail"});
    CHECK(folder.files("spool/failed") == Names{"empty.mail", "link.mail", "other.mail", "torn.mail", "typed.mail"});
}

TEST_CASE("a mail whose id would leave the folder is refused") {
    CHECK_FALSE(decode_mail(encode_mail(mail("../a"))).has_value());
    CHECK_FALSE(decode_mail(encode_mail(mail("a/b"))).has_value());
    CHECK_FALSE(decode_mail(encode_mail(mail(".a"))).has_value());
    CHECK_FALSE(decode_mail(encode_mail(mail(""))).has_value());
    CHECK(decode_mail(encode_mail(mail("vrrp.1.2-x"))).has_value());
}

TEST_CASE("a full spool says so and stays as it is") {
    const TempFolder folder;
    Spool by_count = opened(folder, {.mails_max = 2});
    REQUIRE(by_count.put(mail("a")).has_value());
    REQUIRE(by_count.put(mail("b")).has_value());

    const auto third = by_count.put(mail("c"));

    REQUIRE_FALSE(third.has_value());
    CHECK(third.error().code() == Errc::Limit);
    CHECK(folder.files("spool") == Names{"a.mail", "b.mail"});
    Spool by_size = opened(folder, {.mails_max = 100, .bytes_max = by_count.bytes() + 10});
    CHECK(by_size.put(mail("c")).error().code() == Errc::Limit);
}

TEST_CASE("failed mails are kept with the reason, the oldest make room") {
    const TempFolder folder;
    Spool spool = opened(folder, {.failed_files_max = 2});

    for (const char* id : {"a", "b", "c"}) REQUIRE(spool.keep_failed(mail(id), "550 no such user").has_value());

    CHECK(folder.files("spool/failed") == Names{"b.mail", "c.mail"});
    CHECK(folder.read("spool/failed/c.mail").find("550 no such user") != std::string::npos);
}

TEST_CASE("without a folder mails are in memory, and go to disk when there is one") {
    const TempFolder folder;
    const std::string path = folder.path("later/spool");
    const auto refused = Spool::open(path);
    REQUIRE_FALSE(refused.has_value());
    Spool spool = Spool::in_memory(path, refused.error());
    CHECK(spool.disk_problem().find("later/spool") != std::string::npos);

    REQUIRE(spool.put(mail("a")).has_value());
    REQUIRE(spool.put(mail("b")).has_value());
    REQUIRE(spool.remove("a").has_value());
    CHECK(spool.settle() == 0);
    CHECK(spool.unsaved() == 1);
    CHECK_FALSE(spool.saved("b"));

    std::filesystem::create_directory(folder.path("later"));
    CHECK(spool.settle() == 1);
    CHECK(spool.disk_problem().empty());
    CHECK(spool.unsaved() == 0);
    CHECK(folder.files("later/spool") == Names{"b.mail"});
    CHECK(spool.mails().at("b") == mail("b"));
}

TEST_CASE("a disk that begins to refuse costs no mail, and what waited on it is taken over when it works again") {
    const TempFolder folder;
    Spool spool = opened(folder);
    REQUIRE(spool.put(mail("a")).has_value());
    std::filesystem::rename(folder.path("spool"), folder.path("away"));
    std::filesystem::remove_all(folder.path("away"));

    REQUIRE(spool.put(mail("b")).has_value());
    CHECK(spool.unsaved() == 1);
    CHECK_FALSE(spool.disk_problem().empty());
    // A digest in memory must not take the place of a mail that may be safe on disk.
    Mail digest = mail("d");
    digest.merged = {"a", "b"};
    CHECK_FALSE(spool.put_digest(digest).has_value());
    CHECK(spool.mails().contains("a"));

    CHECK(spool.settle() == 0);  // sees that the folder is gone
    CHECK(spool.settle() == 1);  // and makes another one
    CHECK(folder.files("spool") == Names{"b.mail"});
}

TEST_CASE("memory holds so many mails and so many bytes, and says then that it is full") {
    const Error why{Errc::Io, "read-only"};
    Spool few = Spool::in_memory("/nonexistent/spool", why, {.memory_mails_max = 2});
    REQUIRE(few.put(mail("a")).has_value());
    REQUIRE(few.put(mail("b")).has_value());
    const auto third = few.put(mail("c"));
    REQUIRE_FALSE(third.has_value());
    CHECK(third.error().code() == Errc::Limit);
    CHECK(third.error().text() == "the mail spool cannot be written (read-only) and memory holds 2 mails already");
    Mail digest = mail("d");
    digest.merged = {"a", "b"};
    REQUIRE(few.put_digest(digest).has_value());
    CHECK(few.unsaved() == 1);
    CHECK(few.put(mail("c")).has_value());

    Spool small = Spool::in_memory("/nonexistent/spool", why, {.memory_bytes_max = 2'000});
    CHECK(small.put(mail("a", std::string(1'500, 'x'))).error().code() == Errc::Limit);
    REQUIRE(small.put(mail("b")).has_value());
    REQUIRE(small.remove("b").has_value());
    CHECK(small.put(mail("c", std::string(700, 'x'))).has_value());
}

TEST_CASE("a spool below a missing folder says what it could not make") {
    const auto spool = Spool::open("/nonexistent/mainstay/spool");

    REQUIRE_FALSE(spool.has_value());
    CHECK(spool.error().text().find("/nonexistent/mainstay/spool") != std::string::npos);
}

}  // namespace mainstay::alert
