#include "files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/language/resolver.hpp"

namespace mainstay::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 65536;

Result<void> check_kind(const std::string& path, const fs::file_status& status) {
    if (fs::is_directory(status)) return fail(Errc::Invalid, path + " is a directory, not a file");
    if (!fs::is_regular_file(status)) return fail(Errc::Invalid, path + " is not a regular file");
    constexpr auto kExecute = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
    // keepalived: a file with any execute bit is not read.
    if ((status.permissions() & kExecute) != fs::perms::none)
        return fail(Errc::Unsupported, path + " is executable; keepalived does not read executable files");
    return {};
}

// The first brace group of `pattern`: its braces and the commas between them. False when there is none.
struct Group {
    std::size_t open = 0, close = 0;
    std::vector<std::size_t> commas;
};
bool find_group(std::string_view pattern, Group& group) {
    group.open = pattern.find('{');
    if (group.open == std::string_view::npos) return false;
    int depth = 0;
    for (std::size_t at = group.open; at < pattern.size(); ++at) {
        if (pattern[at] == '{') ++depth;
        if (pattern[at] == ',' && depth == 1) group.commas.push_back(at);
        if (pattern[at] == '}' && --depth == 0) {
            group.close = at;
            return true;
        }
    }
    return false;
}

}  // namespace

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

bool has_braces(std::string_view pattern) {
    Group group;
    return find_group(pattern, group);
}

std::vector<std::string> brace_alternatives(std::string_view pattern) {
    std::vector<std::string> done, waiting{std::string{pattern}};
    while (!waiting.empty()) {
        const std::string current = std::move(waiting.back());
        waiting.pop_back();
        Group group;
        if (!find_group(current, group)) {
            done.push_back(current);
            if (done.size() > kMaxBraceAlternatives) return {};
            continue;
        }
        group.commas.push_back(group.close);
        if (waiting.size() + group.commas.size() > kMaxBraceAlternatives) return {};
        // Backwards, so that the first alternative is taken from the stack first.
        for (std::size_t i = group.commas.size(); i-- > 0;) {
            const std::size_t from = (i == 0 ? group.open : group.commas[i - 1]) + 1;
            waiting.push_back(current.substr(0, group.open) + current.substr(from, group.commas[i] - from) +
                              current.substr(group.close + 1));
        }
    }
    return done;
}

Matches match_files(const std::string& folder, std::string_view pattern, const std::string& root) {
    Matches matches;
    const auto alternatives = brace_alternatives(pattern);
    matches.too_many = alternatives.empty();
    for (const std::string& alternative : alternatives) {
        fs::path full{alternative};
        full = full.is_relative() ? fs::path{folder} / full : fs::path{root + alternative};
        glob_t found{};
        // There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
        if (glob(full.c_str(), GLOB_MARK, nullptr, &found) == 0)
            matches.paths.insert(matches.paths.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
        else
            matches.missing.push_back(alternative);
        globfree(&found);
    }
    return matches;
}

bool real_file(const std::string& path) {
    std::error_code ec;
    return fs::exists(path, ec);
}

std::string real_path(const std::string& path) {
    std::error_code ec;
    const fs::path absolute = fs::absolute(path.empty() ? fs::path{"."} : fs::path{path}, ec);
    if (ec) return path;
    const fs::path real = fs::weakly_canonical(absolute, ec);
    return ec ? absolute.string() : real.string();
}

Result<std::string> read_file(const std::string& path) {
    std::error_code ec;
    const fs::file_status before = fs::status(path, ec);
    if (!fs::exists(before)) return fail_system("open " + path, ec ? ec.value() : ENOENT);
    if (auto checked = check_kind(path, before); !checked) return error_of(checked);
    // O_NONBLOCK: the file may have been replaced by a FIFO since it was checked; it is checked again after opening.
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) return fail_system("open " + path, errno);
    const fs::path opened = fmt::format("/proc/self/fd/{}", fd.get());
    const fs::file_status after = fs::status(opened, ec);
    if (fs::exists(after))
        if (auto checked = check_kind(path, after); !checked) return error_of(checked);
    const std::uintmax_t size = fs::file_size(path, ec);
    if (!ec && size > kMaxFileBytes)
        return fail(Errc::Limit, fmt::format("{} has {} bytes; the limit is {}", path, size, kMaxFileBytes));
    std::string text;
    // One byte more than the file's size, so that the read at the end of the file needs no reallocation.
    std::size_t wanted = ec ? kPieceBytes : static_cast<std::size_t>(size) + 1;
    while (true) {
        ssize_t got = 0;
        int error = 0;
        const std::size_t have = text.size();
        text.resize_and_overwrite(have + wanted, [&](char* data, std::size_t) {
            got = ::read(fd.get(), data + have, wanted);
            error = got < 0 ? errno : 0;
            return have + static_cast<std::size_t>(std::max<ssize_t>(got, 0));
        });
        if (error == EINTR) continue;
        if (error != 0) return fail_system("read " + path, error);
        if (got == 0) return text;
        if (text.size() > kMaxFileBytes)
            return fail(Errc::Limit, fmt::format("{} is longer than {} bytes", path, kMaxFileBytes));
        const auto taken = static_cast<std::size_t>(got);
        wanted = wanted > taken ? wanted - taken : kPieceBytes;
    }
}

}  // namespace mainstay::config
