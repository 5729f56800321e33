#include "mainstay/config/load.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/resolver.hpp"
#include "reading.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kProbedBytes = 4096;  // of a file, to tell text from garbage
constexpr std::size_t kMostControlBytes = 64;

// A NUL or many control characters near the start: somebody gave the wrong file.
bool looks_binary(std::string_view text) {
    const std::string_view head = text.substr(0, kProbedBytes);
    const auto control = std::ranges::count_if(head, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f' && byte != '\v';
    });
    return control > static_cast<std::ptrdiff_t>(kMostControlBytes);
}

Loaded unusable(std::string path, Code code, std::string message) {
    Loaded loaded;
    loaded.files.push_back({std::move(path), {}});
    Diagnostic d;
    d.severity = Severity::Fatal;
    d.rank = Rank::CannotRun;
    d.code = static_cast<std::uint16_t>(code);
    d.message = std::move(message);
    d.effect = "there is no configuration to run";
    loaded.diagnostics.push_back(std::move(d));
    return loaded;
}

void report_findings(Reading& r, const Snapshot& snapshot, std::vector<Diagnostic>& out) {
    for (const ResolverFinding& finding : snapshot.findings) {
        Diagnostic d;
        d.place = {.file = finding.file, .line = finding.line, .column = 1, .length = 1};
        d.severity = Severity::Warning;
        d.rank = Rank::None;  // keepalived: a plain include never raises the exit code
        d.code = static_cast<std::uint16_t>(Code::IncludeProblem);
        d.message = finding.kind == ResolverFinding::Kind::IncludeMissing
                        ? fmt::format("include: nothing matches {}", finding.text)
                        : fmt::format("include {}: {}", finding.text, finding.why);
        d.effect = "nothing is included";
        out.push_back(std::move(d));
    }
    if (r.diag.dropped() == 0) return;
    Diagnostic d;
    d.severity = r.diag.dropped_fatal() ? Severity::Fatal : Severity::Warning;
    d.rank = r.diag.dropped_rank();
    d.code = static_cast<std::uint16_t>(Code::TooManyDiagnostics);
    d.message = fmt::format("{} more diagnostics are not shown", r.diag.dropped());
    d.place.line = UINT32_MAX;  // sorts behind everything
    out.push_back(std::move(d));
}

Loaded load(Snapshot snapshot, const Environment& environment) {
    Reading r{environment, environment.host_name};
    parse(r, snapshot.text);
    check_scripts(r);
    Loaded loaded;
    check_vrrp(r, loaded.config);
    check_services(r, loaded.config);
    loaded.config.global = std::move(r.global);
    if (!r.diag.entries().empty() || r.diag.dropped() != 0) snapshot.index_lines();
    for (auto& [diagnostic, mark] : r.diag.entries()) {
        diagnostic.place = snapshot.place(mark);
        loaded.diagnostics.push_back(std::move(diagnostic));
    }
    report_findings(r, snapshot, loaded.diagnostics);
    std::ranges::stable_sort(loaded.diagnostics, {}, [](const Diagnostic& d) {
        return std::tuple{d.place.file, d.place.line, d.place.column};
    });
    if (!loaded.diagnostics.empty() && loaded.diagnostics.back().place.line == UINT32_MAX)
        loaded.diagnostics.back().place.line = 0;
    loaded.files = std::move(snapshot.files);
    return loaded;
}

}  // namespace

Loaded load_file(const std::string& path, const Environment& environment) {
    auto text = read_file(path);
    if (!text) {
        const Error& error = text.error();
        const Code code = error.code() == Errc::NotFound      ? Code::FileMissing
                          : error.code() == Errc::Invalid     ? Code::FileNotRegular
                          : error.code() == Errc::Unsupported ? Code::FileExecutable
                          : error.code() == Errc::Limit       ? Code::FileTooLarge
                                                              : Code::FileUnreadable;
        return unusable(path, code, error.text());
    }
    if (looks_binary(*text)) return unusable(path, Code::FileBinary, "this is not a text file");
    return load(resolve({path, std::move(*text)}, true), environment);
}

Loaded load_text(std::string name, std::string text, const Environment& environment) {
    return load(resolve({std::move(name), std::move(text)}, false), environment);
}

}  // namespace mainstay::config
