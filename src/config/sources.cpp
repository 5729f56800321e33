#include "mainstay/config/sources.hpp"

#include "config/language/files.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

ConfigSource find_source(const Places& places) {
    ConfigSource source;
    const auto take = [&](const std::string& path) {
        if (source.used.empty())
            source.used = path;
        else
            source.passed_over.push_back(path);
    };
    for (const std::string& path : places.files)
        if (real_file(path)) take(path);
    if (const auto text = real_file(places.own) ? read_file(places.own) : Result<std::string>{""}; text) {
        const auto director = toml_has_director(*text);
        if (director.value_or(source.used.empty())) take(places.own);
    }
    return source;
}

}  // namespace mainstay::config
