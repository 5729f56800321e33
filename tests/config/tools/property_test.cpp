// Whatever the schema allows says the same in each of the forms that it can be written in.
//
// A failing seed is printed; MAINSTAY_SEED=N runs that one alone, MAINSTAY_SEEDS=N more of them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "../../temporary_folder.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"
#include "nowhere.hpp"
#include "random_config.hpp"

using namespace mainstay::config;
using testing::kNowhere;
namespace fs = std::filesystem;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeeds = 100;  // each takes ten times as long
#else
constexpr std::uint64_t kSeeds = 400;
#endif

Config read_conf(const std::string& text) { return load_text("x.conf", text, kNowhere).config; }
Config read_toml_text(const std::string& text) { return load_text("x.toml", text, kNowhere).config; }

// As `config convert` does it.
Converted toml_of(const std::string& conf, const Config& model) {
    Snapshot snapshot = resolve({{"x.conf", conf}}, kNowhere, false);
    Converted converted;
    for (const TomlOrder order : kTomlOrders) {
        converted = to_toml(snapshot, order);
        if (read_toml_text(converted.text) == model) break;
    }
    return converted;
}

// False when TOML has no form that says the same, and the conversion is refused: where a keyword that is given twice
// must stand on both sides of a block, or of one that contradicts it.
[[nodiscard]] bool check_all_forms(const std::string& conf) {
    const Config model = read_conf(conf);
    const std::string printed = print(conf);
    CAPTURE(printed);
    CHECK(read_conf(printed) == model);
    const Converted toml = toml_of(conf, model);
    CAPTURE(toml.text);
    if (read_toml_text(toml.text) != model) return false;
    const Converted back = to_conf({"x.toml", toml.text});
    CAPTURE(back.text);
    CHECK(back.lost.empty());
    CHECK(read_conf(back.text) == model);
    CHECK(read_toml_text(print_toml({"x.toml", toml.text}).text) == model);
    return true;
}

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("a random model is the same after printing and parsing, in both languages and between them") {
    const std::uint64_t first = number_in("MAINSTAY_SEED", 1);
    const std::uint64_t last = std::getenv("MAINSTAY_SEED") != nullptr ? first : number_in("MAINSTAY_SEEDS", kSeeds);
    std::size_t instances = 0, services = 0, refused = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const std::string conf = testing::RandomConfig{seed}.text();
        INFO("MAINSTAY_SEED=" << seed);
        CAPTURE(conf);
        const Config model = read_conf(conf);
        instances += model.instances.size();
        services += model.virtual_servers.size();
        const bool reported = check_all_forms(conf);
        if (!reported) ++refused;
        if (first == last) CHECK(reported);
    }
    if (first == last) return;
    CHECK(refused <= last / 80);
    CHECK(instances > last / 2);
    CHECK(services > last / 2);
}

TEST_CASE("every file of the corpus says the same in TOML") {
    const fs::path folder = fs::path{MAINSTAY_SHARED} / "corpus";
    if (!fs::exists(folder)) {
        MESSAGE("there is no ../shared/corpus: passed over");
        return;
    }
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator{folder}) {
        if (!entry.is_regular_file() || entry.path().extension() != ".conf") continue;
        INFO(entry.path());
        // Those of this folder have wrong braces: what they come to may have no form in TOML.
        const bool may_be_refused = entry.path().parent_path().filename() == "braces";
        CHECK((check_all_forms(mainstay::test::text_of(entry.path())) || may_be_refused));
        ++count;
    }
    CHECK(count >= 100);
}
