#include "mainstay/config/tools/known_errors.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay::config;

namespace {

Loaded with(const std::string& lines) {
    return load_text("ha.conf", "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n" + lines + "}\n", {});
}

}  // namespace

TEST_CASE("an error is known that an earlier file has at another line, once for each") {
    const auto earlier = with("priorit 100\n");
    const auto later = with("\n\n priorit 100\n advert_int 0.0000001x\n");
    const auto sorted = sort_errors(later, error_marks(earlier));
    CHECK(sorted.known == 1);
    REQUIRE(sorted.fresh.size() == 1);
    CHECK(sorted.fresh[0]->place.line == 7);
    CHECK(sort_errors(later, {}).fresh.size() == 2);
    CHECK(sort_errors(later, error_marks(later)).fresh.empty());
    CHECK(sort_errors(later, error_marks(later)).known == 2);
}

TEST_CASE("warnings are no errors") {
    const auto loaded = load_text("ha.conf", "global_defs {\n notification_email {\n }\n}\n", {});
    REQUIRE_FALSE(loaded.diagnostics.empty());
    CHECK(error_marks(loaded).empty());
    CHECK(sort_errors(loaded, {}).fresh.empty());
}
