#include "mainstay/role/reader/diagnostic_json.hpp"

#include <fmt/format.h>

namespace mainstay::role {
namespace {

using nlohmann::ordered_json;

// The files and lines that include this one, the nearest first.
ordered_json include_chain(std::uint32_t file, const config::Loaded& loaded) {
    auto chain = ordered_json::array();
    while (file < loaded.files.size() && chain.size() < loaded.files.size()) {
        const auto& source = loaded.files[file];
        if (source.included_by >= loaded.files.size()) break;
        chain.push_back({{"file", loaded.files[source.included_by].path}, {"line", source.included_at}});
        file = source.included_by;
    }
    return chain;
}

}  // namespace

const char* name_of(config::Severity severity) {
    switch (severity) {
        case config::Severity::Note:
            return "note";
        case config::Severity::Warning:
            return "warning";
        case config::Severity::Error:
            return "error";
        case config::Severity::Fatal:
            break;
    }
    return "fatal";
}

ordered_json as_json(const config::Loaded& loaded) {
    auto all = ordered_json::array();
    for (const auto& diagnostic : loaded.diagnostics) {
        const auto& place = diagnostic.place;
        all.push_back({{"severity", name_of(diagnostic.severity)},
                       {"code", fmt::format("MS{:04}", diagnostic.code)},
                       {"file", place.file < loaded.files.size() ? loaded.files[place.file].path : ""},
                       {"line", place.line},
                       {"column", place.line == 0 ? 0 : place.column},
                       {"message", diagnostic.message},
                       {"expected", diagnostic.expected},
                       {"effect", diagnostic.effect},
                       {"fix", diagnostic.fix},
                       {"included_from", include_chain(place.file, loaded)}});
    }
    return all;
}

std::string json_text(const ordered_json& json) {
    return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mainstay::role
