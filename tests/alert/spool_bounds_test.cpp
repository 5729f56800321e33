// The spool at its limits: what it counts, what memory holds, what makes room.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "mainstay/alert/spool.hpp"
#include "opened_spool.hpp"

namespace mainstay::alert {
namespace {

using Names = std::vector<std::string>;

Mail mail_of_size(const std::string& id, std::size_t size = 10) {
    return {.id = id,
            .from = {.address = "root@vm"},
            .to = {{.address = "a@x"}},
            .router_id = "R",
            .items = {{.subject = "s", .body = std::string(size, 'x'), .at = {5}}}};
}
std::size_t size_of(const Mail& of) { return encode_mail(of).size(); }

Spool in_memory(SpoolLimits limits = {}) {
    return Spool::in_memory("/nonexistent/spool", Error{Errc::Io, "read-only"}, limits);
}

}  // namespace

TEST_CASE("bytes are counted when a mail comes, changes and goes") {
    const TempFolder folder;
    Spool spool = opened(folder);
    REQUIRE(spool.put(mail_of_size("a", 100)).has_value());
    REQUIRE(spool.put(mail_of_size("b", 50)).has_value());
    CHECK(spool.bytes() == size_of(mail_of_size("a", 100)) + size_of(mail_of_size("b", 50)));
    REQUIRE(spool.update(mail_of_size("a", 20)).has_value());
    CHECK(spool.bytes() == size_of(mail_of_size("a", 20)) + size_of(mail_of_size("b", 50)));
    CHECK(spool.mails().at("a").items[0].body.size() == 20);
    CHECK(opened(folder).bytes() == spool.bytes());
    REQUIRE(spool.remove("a").has_value());
    CHECK(spool.bytes() == size_of(mail_of_size("b", 50)));
    CHECK(spool.update(mail_of_size("a")).error().code() == Errc::NotFound);
    CHECK(spool.update(mail_of_size("a")).error().text() == "mail a is not in the spool");
    CHECK(spool.remove("a").error().text() == "mail a is not in the spool");
    CHECK(spool.keep_failed(mail_of_size("a"), "x").has_value());
    CHECK(folder.files("spool/failed") == Names{"a.mail"});
}

TEST_CASE("a mail that just fits the bytes is taken, one byte more is not") {
    const TempFolder folder;
    const std::size_t two = size_of(mail_of_size("a")) + size_of(mail_of_size("b"));
    Spool fits = opened(folder, {.bytes_max = two});
    REQUIRE(fits.put(mail_of_size("a")).has_value());
    REQUIRE(fits.put(mail_of_size("b")).has_value());
    CHECK(fits.update(mail_of_size("b", 11)).has_value());  // what is there may grow
    const TempFolder other;
    Spool less = opened(other, {.bytes_max = two - 1});
    REQUIRE(less.put(mail_of_size("a")).has_value());
    const auto refused = less.put(mail_of_size("b"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text() == "the mail spool " + other.path("spool") + " is full: 1 mails, " +
                                        std::to_string(size_of(mail_of_size("a"))) + " bytes");
    Mail digest = mail_of_size("d", 500);
    digest.merged = {"a"};
    CHECK(less.put_digest(digest).has_value());  // stands in for what it names
    CHECK(less.bytes() == size_of(digest));
}

TEST_CASE("a mail of eight megabytes is taken, a larger one is not") {
    const TempFolder folder;
    Spool spool = opened(folder);
    const std::size_t around = size_of(mail_of_size("a", 0));
    CHECK(spool.put(mail_of_size("a", (8U << 20) - around)).has_value());
    const auto refused = spool.put(mail_of_size("b", (8U << 20) - around + 1));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Errc::Limit);
    CHECK(refused.error().text() == "a mail of 8388609 bytes");
    CHECK(opened(folder).mails().size() == 1);
}

TEST_CASE("memory holds bytes up to its limit, and counts what changes and goes") {
    const std::size_t two = size_of(mail_of_size("a")) + size_of(mail_of_size("b"));
    Spool spool = in_memory({.memory_bytes_max = two});
    REQUIRE(spool.put(mail_of_size("a")).has_value());
    REQUIRE(spool.put(mail_of_size("b")).has_value());
    CHECK(spool.put(mail_of_size("c")).error().code() == Errc::Limit);
    REQUIRE(spool.update(mail_of_size("b", 1)).has_value());
    REQUIRE(spool.remove("a").has_value());
    CHECK(spool.put(mail_of_size("c", 19)).has_value());
    CHECK(spool.bytes() == two);
    CHECK(spool.remove("c").has_value());
    CHECK(spool.put(mail_of_size("c", 20)).error().code() == Errc::Limit);
    CHECK(spool.keep_failed(mail_of_size("b"), "x").error().text() == "read-only");
}

TEST_CASE("a mail in memory is not lost when a larger one takes its place") {
    Spool spool = in_memory({.memory_mails_max = 1, .memory_bytes_max = 1});
    CHECK_FALSE(spool.put(mail_of_size("a")).has_value());
    Mail digest = mail_of_size("d");
    CHECK(spool.put_digest(digest).has_value());
    CHECK(spool.unsaved() == 1);
    CHECK_FALSE(spool.saved("d"));
    CHECK(spool.saved("a"));
}

TEST_CASE("a digest that cannot be written leaves the mails that are safe on the disk") {
    const TempFolder folder;
    Spool spool = opened(folder);
    REQUIRE(spool.put(mail_of_size("a")).has_value());
    REQUIRE(spool.put(mail_of_size("b")).has_value());
    std::filesystem::create_directory(folder.path("spool/.writing.d.mail"));
    Mail digest = mail_of_size("d");
    digest.merged = {"a", "b"};
    CHECK(spool.put_digest(digest).error().code() == Errc::Io);
    CHECK(folder.files("spool") == Names{"a.mail", "b.mail"});
    CHECK(spool.mails().size() == 2);
    CHECK(spool.unsaved() == 0);
    CHECK(spool.bytes() == size_of(mail_of_size("a")) + size_of(mail_of_size("b")));
    CHECK_FALSE(spool.disk_problem().empty());
}

TEST_CASE("of the failed mails the oldest make room, as many as are too many") {
    const TempFolder folder;
    {
        Spool spool = opened(folder, {.failed_files_max = 5});
        for (const char* id : {"a", "b", "c", "d"}) REQUIRE(spool.keep_failed(mail_of_size(id), "x").has_value());
        REQUIRE(spool.keep_failed(mail_of_size("e"), "x").has_value());
        CHECK(folder.files("spool/failed").size() == 5);
    }
    using namespace std::chrono_literals;
    const auto now = std::filesystem::file_time_type::clock::now();
    const auto aged = [&](const char* name, auto age) {
        std::filesystem::last_write_time(folder.path(std::string{"spool/failed/"} + name + ".mail"), now - age);
    };
    aged("a", 1s), aged("b", 3s), aged("c", 2'000'000us), aged("d", 2'000'001us), aged("e", 0s);
    Spool spool = opened(folder, {.failed_files_max = 3});
    REQUIRE(spool.keep_failed(mail_of_size("f"), "x").has_value());
    CHECK(folder.files("spool/failed") == Names{"a.mail", "e.mail", "f.mail"});
}

TEST_CASE("a mail that failed keeps the reason as its last item, with the time it was queued") {
    const TempFolder folder;
    Spool spool = opened(folder);
    Mail one = mail_of_size("a");
    one.queued = {77};
    REQUIRE(spool.keep_failed(one, "550 no").has_value());
    const auto kept = decode_mail(folder.read("spool/failed/a.mail"));
    REQUIRE(kept.has_value());
    REQUIRE(kept->items.size() == 2);
    CHECK(kept->items[1].subject == "not delivered");
    CHECK(kept->items[1].body == "550 no");
    CHECK(kept->items[1].at.unix_us == 77);
    CHECK(folder.files("spool").empty());
}

TEST_CASE("a folder that comes back brings the mails in it, those in memory go before") {
    const TempFolder folder;
    {
        Spool before = opened(folder);
        REQUIRE(before.put(mail_of_size("a")).has_value());
        REQUIRE(before.put(mail_of_size("b", 30)).has_value());
    }
    folder.write("spool/bad.mail", "{");
    Spool spool = Spool::in_memory(folder.path("spool"), Error{Errc::Io, "read-only"});
    REQUIRE(spool.put(mail_of_size("a", 99)).has_value());
    REQUIRE(spool.put(mail_of_size("c")).has_value());
    CHECK(spool.settle() == 2);
    CHECK(spool.mails().size() == 3);
    CHECK(spool.mails().at("a").items[0].body.size() == 99);
    CHECK(spool.bytes() ==
          size_of(mail_of_size("a", 99)) + size_of(mail_of_size("b", 30)) + size_of(mail_of_size("c")));
    CHECK(spool.problems().size() == 1);
    CHECK(opened(folder).mails() == spool.mails());
    CHECK(spool.settle() == 0);
    CHECK(spool.keep_failed(mail_of_size("z"), "x").has_value());
    CHECK(folder.files("spool") == Names{"a.mail", "b.mail", "c.mail"});
}

TEST_CASE("files of others in the folder are left alone") {
    const TempFolder folder;
    {
        Spool spool = opened(folder);
    }
    folder.write("spool/notes.txt", "x");
    const Spool spool = opened(folder);
    CHECK(spool.mails().empty());
    CHECK(spool.problems().empty());
    CHECK(folder.files("spool") == Names{"notes.txt"});
}

TEST_CASE("a file removed by another program counts as removed, one that cannot be removed is an error") {
    const TempFolder folder;
    Spool spool = opened(folder);
    REQUIRE(spool.put(mail_of_size("a")).has_value());
    REQUIRE(spool.put(mail_of_size("b")).has_value());
    std::filesystem::remove(folder.path("spool/a.mail"));
    CHECK(spool.remove("a").has_value());
    std::filesystem::remove(folder.path("spool/b.mail"));
    std::filesystem::create_directory(folder.path("spool/b.mail"));
    const auto removed = spool.remove("b");
    REQUIRE_FALSE(removed.has_value());
    CHECK(removed.error().text().find("remove " + folder.path("spool") + "/b.mail") != std::string::npos);
    CHECK(spool.mails().empty());
}

}  // namespace mainstay::alert
