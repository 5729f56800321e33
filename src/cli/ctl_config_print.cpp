#include <fmt/format.h>

#include "ctl.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"
#include "output.hpp"

namespace mainstay::cli {

int ctl_config_print(const std::string& file) {
    auto text = config::read_file(file);
    if (!text) {
        print_error("mainstayctl: " + text.error().text() + "\n");
        return 2;
    }
    const config::Environment nowhere;
    const bool toml = config::is_toml_name(file);
    const auto converted = toml ? config::print_toml({file, *text}) : config::Converted{config::print(*text), {}};
    const std::string& printed = converted.text;
    for (const auto& lost : converted.lost)
        print_error(fmt::format("mainstayctl: {}:{}: {}\n", file, lost.place.line, lost.what));
    if (!converted.lost.empty()) return 2;
    // Operators replace the file with the result: it is printed only if it parses to the same configuration.
    if (config::load_text(file, std::move(*text), nowhere).config != config::load_text(file, printed, nowhere).config) {
        print_error("mainstayctl: " + file + ": its canonical form would have another meaning; this is a bug\n");
        return 2;
    }
    print(printed);
    return 0;
}

}  // namespace mainstay::cli
