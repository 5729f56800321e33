#include "include.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "expand.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint8_t kRead = 1, kMatch = 2, kWildcard = 4, kBrace = 8;

std::string_view next_word(std::string_view& text) {
    text = trimmed(text);
    std::size_t end = 0;
    while (end < text.size() && !is_blank(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

}  // namespace

std::optional<Include> read_include(std::string_view line) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 6> kForms{{
        {"include", std::uint8_t{0}},
        {"includer", kRead},
        {"includem", kRead | kMatch},
        {"includew", kRead | kMatch | kWildcard},
        {"includeb", kRead | kBrace},
        {"includea", kAllIncludeChecks.bits},
    }};
    const std::string_view word = next_word(line);
    line = trimmed(line);
    if (line.empty()) return std::nullopt;
    for (const auto& [keyword, checks] : kForms)
        if (keyword == word) return Include{std::string{word}, std::string{line}, checks != 0, {checks}};
    return std::nullopt;
}

std::optional<IncludeChecks> read_include_check(std::string_view line, IncludeChecks before) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 4> kNames{
        {{"read", kRead}, {"match", kMatch}, {"wildcard_match", kWildcard}, {"brace_match", kBrace}}};
    if (next_word(line) != "include_check") return std::nullopt;
    if (trimmed(line).empty()) return kAllIncludeChecks;
    IncludeChecks checks = before;
    bool named = false;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        const bool sign = word.starts_with('+') || word.starts_with('-');
        const bool off = word.starts_with('-');
        if (sign) word.remove_prefix(1);
        if (!sign && !std::exchange(named, true)) checks = {};
        for (const auto& [name, bits] : kNames)
            if (name == word) checks.set(bits, !off);
    }
    return checks;
}

Diagnostic& Findings::add(Severity severity, Rank rank, Code code, const Source& at, std::string message) {
    if (snapshot_.findings.size() >= kMaxFindings && severity != Severity::Fatal) return spare_;
    Diagnostic& d = snapshot_.findings.emplace_back();
    d.severity = severity;
    d.rank = rank;
    d.code = static_cast<std::uint16_t>(code);
    d.place = {at.file, at.line, at.column, std::max(at.length, 1U)};
    d.message = std::move(message);
    return d;
}

std::uint32_t Includer::add(SourceFile file) {
    total_ += file.text.size();
    real_paths_.push_back(real_path(file.path));
    const auto index = static_cast<std::uint32_t>(snapshot_.files.size());
    if (file.text.starts_with(kByteOrderMark)) {
        file.text.erase(0, kByteOrderMark.size());
        auto& d = findings_.add(Severity::Warning, Rank::Config, Code::ByteOrderMark, {.file = index},
                                "the file begins with a byte order mark");
        d.effect = "it is ignored; keepalived treats it as part of the first keyword";
        d.fix = "save the file as UTF-8 without BOM";
    }
    snapshot_.files.push_back(std::move(file));
    return index;
}

std::vector<std::uint32_t> Includer::open(const Include& wanted, const Source& at, std::uint32_t from) {
    const std::string folder = std::filesystem::path{snapshot_.files[from].path}.parent_path().string();
    const Matches matches = match_files(folder, wanted.pattern, root_);
    if (matches.too_many)
        problem(wanted, IncludeCheck::Read, at,
                fmt::format("more than {} alternatives in braces", kMaxBraceAlternatives));
    report_missing(wanted, matches, at);
    std::vector<std::uint32_t> opened;
    for (const std::string& path : matches.paths)
        if (open_one(wanted, path, at, from)) opened.push_back(static_cast<std::uint32_t>(snapshot_.files.size() - 1));
    return opened;
}

void Includer::report_missing(const Include& wanted, const Matches& matches, const Source& at) {
    const bool nothing = matches.paths.empty();
    const bool braces = has_braces(wanted.pattern);
    for (const std::string& alternative : matches.missing) {
        const auto check = braces && (!nothing || wanted.checks.has(IncludeCheck::BraceMatch))
                               ? IncludeCheck::BraceMatch
                           : has_wildcard(alternative) ? IncludeCheck::WildcardMatch
                                                       : IncludeCheck::Match;
        auto& d = problem(wanted, check, at, fmt::format("nothing matches {}", alternative));
        if (alternative.starts_with('"')) d.fix = "keepalived takes the quotes for part of the name: leave them out";
        if (nothing && braces) break;  // once is enough
    }
}

bool Includer::open_one(const Include& wanted, const std::string& path, const Source& at, std::uint32_t from) {
    const auto refuse = [&](const std::string& why) -> Diagnostic& {
        return problem(wanted, IncludeCheck::Read, at, why);
    };
    const auto open = chain(from);
    const std::string real = real_path(path);
    if (std::ranges::any_of(open, [&](std::uint32_t file) { return real_paths_[file] == real; })) {
        std::string ring = path;
        for (const std::uint32_t file : open) ring.insert(0, snapshot_.files[file].path + " -> ");
        refuse(fmt::format("{} is included recursively", ring)).fix =
            "a file must not include itself, directly or through another file";
        return false;
    }
    auto text =
        open.size() >= kMaxIncludeDepth
            ? fail(Errc::Limit, fmt::format("{}: includes are nested more than {} deep", path, kMaxIncludeDepth))
        : snapshot_.files.size() >= kMaxFiles
            ? fail(Errc::Limit, fmt::format("{}: more than {} files", path, kMaxFiles))
            : read_file(path);
    if (text && total_ + text->size() > kMaxSnapshotBytes)
        text = fail(Errc::Limit, fmt::format("{}: more than {} bytes in all", path, kMaxSnapshotBytes));
    if (!text) {
        refuse(text.error().text());
        return false;
    }
    SourceFile file{path, std::move(*text)};
    file.included_by = from;
    file.included_at = at.line;
    file.by_pattern = has_wildcard(wanted.pattern) || has_braces(wanted.pattern);
    add(std::move(file));
    return true;
}

// A problem that a check covers makes the include fail; without the check it is only reported.
Diagnostic& Includer::problem(const Include& wanted, IncludeCheck check, const Source& at, const std::string& why) {
    const bool fails = wanted.checks.has(check);
    // Reported once per file, even if it is included several times.
    if (!reported_.emplace(snapshot_.files[at.file].path, at.line, why).second) return spare_;
    auto& d = findings_.add(fails ? Severity::Fatal : Severity::Warning, fails ? Rank::Security : Rank::None,
                            fails ? Code::IncludeFailed : Code::IncludeProblem, at,
                            fmt::format("{}: {}", wanted.keyword, why));
    d.place.length = static_cast<std::uint32_t>(wanted.keyword.size());
    d.effect = fails ? "this configuration cannot run" : "nothing is included";
    if (fails)
        d.fix = wanted.checked ? "write `include` if the configuration can do without it"
                               : "include_check (or -e) makes this a failure";
    return d;
}

// The files that include each other, the innermost first.
std::vector<std::uint32_t> Includer::chain(std::uint32_t from) const {
    std::vector<std::uint32_t> open;
    for (std::uint32_t file = from; file != SourceFile::kTop; file = snapshot_.files[file].included_by)
        open.push_back(file);
    return open;
}

}  // namespace mainstay::config
