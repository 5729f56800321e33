#include <cstdio>

#include "ctl.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"

namespace mainstay::cli {

int ctl_config_print(const std::string& file) {
    auto text = config::read_file(file);
    if (!text) {
        std::fprintf(stderr, "mainstayctl: %s\n", text.error().text().c_str());
        return 2;
    }
    const config::Environment nowhere;
    const bool toml = config::is_toml_name(file);
    const auto converted = toml ? config::print_toml({file, *text}) : config::Converted{config::print(*text), {}};
    const std::string& printed = converted.text;
    for (const auto& lost : converted.lost)
        std::fprintf(stderr, "mainstayctl: %s:%u: %s\n", file.c_str(), lost.place.line, lost.what.c_str());
    if (!converted.lost.empty()) return 2;
    // Operators replace the file with the result: it is printed only if it parses to the same configuration.
    if (config::load_text(file, std::move(*text), nowhere).config != config::load_text(file, printed, nowhere).config) {
        std::fprintf(stderr, "mainstayctl: %s: its canonical form would have another meaning; this is a bug\n",
                     file.c_str());
        return 2;
    }
    std::fwrite(printed.data(), 1, printed.size(), stdout);
    return 0;
}

}  // namespace mainstay::cli
