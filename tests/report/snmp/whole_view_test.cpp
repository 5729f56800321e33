// All that SNMP shows of the director whose metrics are beside it in the golden folder: an identifier and its value on
// each line.
#include "../../golden.hpp"
#include "../configured_scene.hpp"
#include "shown.hpp"

using namespace mainstay;
using namespace mainstay::test;

TEST_CASE("all that SNMP shows of a director") {
    const ConfiguredScene scene;
    std::string all;
    for (const auto& [oid, value] : scene.view()) all += fmt::format("{} {}\n", shown(oid), shown(value));
    CHECK(all == golden("snmp_view.txt"));
}
