#include "mainstay/config/resolver.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ranges>
#include <system_error>
#include <utility>

namespace mainstay::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInclude = "include";

struct Open {  // a file being copied into the snapshot
    std::uint32_t file = 0;
    std::size_t at = 0;
    std::uint32_t line = 1;
};

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

// The pattern of an include line; empty for any other line.
std::string_view include_pattern(std::string_view line) {
    line = trimmed(line);
    // The checked forms (includer, includem, ...) differ only in what they make of problems.
    if (!line.starts_with(kInclude)) return {};
    const std::size_t blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos) return {};
    const std::string_view word = line.substr(0, blank);
    if (word != kInclude && (word.size() != kInclude.size() + 1 || !std::string_view{"rmwba"}.contains(word.back())))
        return {};
    line = trimmed(line.substr(blank));
    line = trimmed(line.substr(0, line.find_first_of("#!")));
    if (line.size() > 1 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
    return line;
}

std::vector<std::string> matches(const std::string& including_file, std::string_view pattern) {
    fs::path full{pattern};
    if (full.is_relative()) full = fs::path{including_file}.parent_path() / full;
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(full.c_str(), GLOB_MARK | GLOB_BRACE, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    globfree(&found);
    return paths;
}

class Resolver {
public:
    explicit Resolver(SourceFile top) { snapshot_.files.push_back(std::move(top)); }

    Snapshot run() {
        stack_.push_back({});
        open_span();
        while (!stack_.empty()) copy_line();
        return std::move(snapshot_);
    }

private:
    void open_span() {
        snapshot_.map.push_back(
            {static_cast<std::uint32_t>(snapshot_.text.size()), stack_.back().file, stack_.back().line});
    }

    void copy_line() {
        Open& open = stack_.back();
        const std::string& text = snapshot_.files[open.file].text;
        if (open.at >= text.size()) {
            stack_.pop_back();
            if (!snapshot_.text.ends_with('\n')) snapshot_.text += '\n';
            if (!stack_.empty()) open_span();
            return;
        }
        const std::size_t newline = text.find('\n', open.at);
        const std::size_t end = newline == std::string::npos ? text.size() : newline + 1;
        const std::string_view line{text.data() + open.at, end - open.at};
        const std::uint32_t number = open.line++;
        open.at = end;
        // $NAME= definitions and their use, ~SEQ and ~LST, and @id lines are resolved here, on `line`, before the
        // include test, because each of them may hold an include. Not written yet: they are reported.
        if (const std::string_view pattern = include_pattern(line); !pattern.empty()) {
            include(std::string{pattern}, open.file, number);
            return;
        }
        snapshot_.text += line;
    }

    void include(const std::string& pattern, std::uint32_t from, std::uint32_t line) {
        const auto refuse = [&](std::string text, std::string why) {
            snapshot_.findings.push_back(
                {ResolverFinding::Kind::IncludeRefused, from, line, std::move(text), std::move(why)});
        };
        snapshot_.text += '\n';
        if (stack_.size() >= kMaxIncludeDepth)
            return refuse(pattern, fmt::format("files include each other more than {} deep", kMaxIncludeDepth));
        const auto paths = matches(snapshot_.files[from].path, pattern);
        if (paths.empty())
            snapshot_.findings.push_back({ResolverFinding::Kind::IncludeMissing, from, line, pattern, {}});
        std::vector<std::uint32_t> opened;
        for (const std::string& path : paths) {
            if (snapshot_.files.size() >= kMaxFiles) return refuse(path, fmt::format("more than {} files", kMaxFiles));
            auto text = read_file(path);
            if (text && total_ + text->size() > kMaxSnapshotBytes)
                text = fail(Errc::Limit, fmt::format("more than {} bytes in all", kMaxSnapshotBytes));
            if (!text) {
                refuse(path, text.error().text());
                continue;
            }
            total_ += text->size();
            opened.push_back(static_cast<std::uint32_t>(snapshot_.files.size()));
            snapshot_.files.push_back({path, std::move(*text)});
        }
        for (const std::uint32_t file : opened | std::views::reverse) stack_.push_back({file, 0, 1});
        if (!opened.empty()) open_span();
    }

    Snapshot snapshot_;
    std::vector<Open> stack_;
    std::size_t total_ = 0;
};

std::size_t characters(std::string_view bytes) {
    return static_cast<std::size_t>(
        std::ranges::count_if(bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Snapshot::index_lines() {
    line_starts_.assign(1, 0);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
        line_starts_.push_back(static_cast<std::uint32_t>(++at));
}

Place Snapshot::place(Mark mark) const {
    const auto offset = static_cast<std::uint32_t>(std::min<std::size_t>(mark.offset, text.size()));
    auto span = std::ranges::upper_bound(map, offset, {}, &Span::offset);
    if (span != map.begin()) --span;
    const auto line = std::ranges::upper_bound(line_starts_, offset) - 1;
    const auto first = std::ranges::upper_bound(line_starts_, span->offset) - 1;
    const std::string_view all{text};
    return {
        .file = span->file,
        .line = span->line + static_cast<std::uint32_t>(line - first),
        .column = static_cast<std::uint32_t>(characters(all.substr(*line, offset - *line)) + 1),
        .length = static_cast<std::uint32_t>(std::max<std::size_t>(characters(all.substr(offset, mark.length)), 1))};
}

Result<std::string> read_file(const std::string& path) {
    std::error_code ec;
    const fs::file_status status = fs::status(path, ec);
    if (!fs::exists(status)) return fail_system("open " + path, ec ? ec.value() : ENOENT);
    if (fs::is_directory(status)) return fail(Errc::Invalid, path + " is a directory, not a file");
    // Also keeps a FIFO from blocking the open.
    if (!fs::is_regular_file(status)) return fail(Errc::Invalid, path + " is not a regular file");
    constexpr auto kExecute = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
    // keepalived: a file with any execute bit is not read.
    if ((status.permissions() & kExecute) != fs::perms::none)
        return fail(Errc::Unsupported, path + " is executable; keepalived does not read executable files");
    const std::uintmax_t size = fs::file_size(path, ec);
    if (!ec && size > kMaxFileBytes)
        return fail(Errc::Limit, fmt::format("{} has {} bytes; the limit is {}", path, size, kMaxFileBytes));
    errno = 0;
    std::ifstream stream{path, std::ios::binary};
    if (!stream) return fail_system("open " + path, errno == 0 ? EIO : errno);
    std::string text;
    if (!ec) text.reserve(static_cast<std::size_t>(size));
    char piece[65536];
    while (stream.read(piece, sizeof piece), stream.gcount() > 0) {
        text.append(piece, static_cast<std::size_t>(stream.gcount()));
        if (text.size() > kMaxFileBytes)
            return fail(Errc::Limit, fmt::format("{} is longer than {} bytes", path, kMaxFileBytes));
    }
    return text;
}

Snapshot resolve(SourceFile top, bool follow) {
    if (follow) return Resolver{std::move(top)}.run();
    Snapshot snapshot;
    snapshot.text = top.text;
    snapshot.files.push_back(std::move(top));
    snapshot.map.push_back({0, 0, 1});
    return snapshot;
}

}  // namespace mainstay::config
