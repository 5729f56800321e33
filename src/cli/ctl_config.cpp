#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"

namespace mainstay::cli {
namespace {

constexpr int kClean = 0, kWarnings = 1, kErrors = 2;

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

int judge(const config::Loaded& loaded, bool strict) {
    int worst = loaded.can_run() ? kClean : kErrors;
    for (const auto& diagnostic : loaded.diagnostics) {
        if (diagnostic.severity == config::Severity::Warning) worst = std::max(worst, strict ? kErrors : kWarnings);
        if (diagnostic.severity >= config::Severity::Error) worst = kErrors;
    }
    return worst;
}

// The files and lines that include this one, the nearest first.
nlohmann::ordered_json include_chain(std::uint32_t file, const config::Loaded& loaded) {
    auto chain = nlohmann::ordered_json::array();
    while (file < loaded.files.size() && chain.size() < loaded.files.size()) {
        const auto& source = loaded.files[file];
        if (source.included_by >= loaded.files.size()) break;
        chain.push_back({{"file", loaded.files[source.included_by].path}, {"line", source.included_at}});
        file = source.included_by;
    }
    return chain;
}

nlohmann::ordered_json as_json(const config::Diagnostic& diagnostic, const config::Loaded& loaded,
                               const std::string& file) {
    const auto& place = diagnostic.place;
    char code[sizeof "MS65535"];
    std::snprintf(code, sizeof code, "MS%04u", static_cast<unsigned>(diagnostic.code));
    return {{"severity", name_of(diagnostic.severity)},
            {"code", code},
            {"file", place.file < loaded.files.size() ? loaded.files[place.file].path : file},
            {"line", place.line},
            {"column", place.line == 0 ? 0 : place.column},
            {"message", diagnostic.message},
            {"expected", diagnostic.expected},
            {"effect", diagnostic.effect},
            {"hint", diagnostic.hint},
            {"included_from", include_chain(place.file, loaded)}};
}

void print(const config::Loaded& loaded, const std::string& file, const CheckOptions& options, bool colour) {
    for (const auto& diagnostic : loaded.diagnostics) {
        const std::string text = config::render(diagnostic, loaded, colour);
        std::fwrite(text.data(), 1, text.size(), stdout);
    }
    const int plain = judge(loaded, false);
    const char* verdict = plain == kClean ? "no problems" : plain == kWarnings ? "warnings" : "errors";
    std::printf("%s: %s%s\n", file.c_str(), verdict,
                plain == kWarnings && options.strict ? ", refused by --strict" : "");
}

}  // namespace

int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options) {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    auto environment = kernel::host_environment();
    environment.host_resolves = kernel::host_resolves;
    auto found = nlohmann::ordered_json::array();
    int worst = kClean;
    for (const auto& file : files) {
        const auto loaded = config::load_file(file, environment);
        worst = std::max(worst, judge(loaded, options.strict));
        if (!options.as_json)
            print(loaded, file, options, colour);
        else
            for (const auto& diagnostic : loaded.diagnostics) found.push_back(as_json(diagnostic, loaded, file));
    }
    // Configurations hold any bytes; what is no UTF-8 must not end the program.
    if (options.as_json)
        std::printf("%s\n", found.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return worst;
}

}  // namespace mainstay::cli
