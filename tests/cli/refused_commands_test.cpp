// What mainstayctl refuses before it asks anybody, and what it says while nobody answers.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "../temporary_folder.hpp"
#include "cli/ctl.hpp"
#include "cli/ctl_client.hpp"

namespace mainstay::cli {

TEST_CASE("a wrong address, a name with a blank and a folder that is missing are wrong arguments") {
    CHECK(ctl_flow("nowhere", "10.0.0.1:80", false) == kUsage);
    CHECK(ctl_flow("10.0.0.2:40000", "10.0.0.1", false) == kUsage);
    CredentialOptions credential;
    credential.name = "a b";
    CHECK(ctl_api_credential(credential) == 2);
    const test::TemporaryFolder root;
    MigrateOptions migrate;
    migrate.root = root.at("missing");
    CHECK(ctl_migrate(migrate) == 2);
}

TEST_CASE("that an answer takes long is said once, and nothing of one that comes soon") {
    using std::chrono::milliseconds;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    int said = 0;
    const auto say = [&said] { ++said; };
    CHECK_FALSE(is_readable(ends[0], milliseconds{3}, milliseconds{1}, say));
    CHECK(said == 1);
    CHECK_FALSE(is_readable(ends[0], milliseconds{1}, milliseconds{1}, say));
    CHECK(said == 1);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    CHECK(is_readable(ends[0], milliseconds{60'000}, milliseconds{30'000}, say));
    CHECK(said == 1);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace mainstay::cli
