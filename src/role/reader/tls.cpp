#include "tls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::role {

namespace keyword = config::keyword;

namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

}  // namespace

Result<std::string> regular_file(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // no waiting for a FIFO's writer
    if (!fd) return fail_system(path, errno);
    struct stat facts{};
    if (::fstat(fd.get(), &facts) != 0) return fail_system(path, errno);
    if (!S_ISREG(facts.st_mode)) return fail(Errc::Invalid, path + ": not a regular file");
    if (facts.st_size > static_cast<off_t>(kTlsFileMax))
        return fail(Errc::Limit, fmt::format("{}: it is longer than {} bytes", path, kTlsFileMax));
    std::string text(static_cast<std::size_t>(facts.st_size), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
        if (got < 0) return fail_system(path, errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

Result<std::string> secret_file(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & kOthers) != 0)
        return fail(Errc::Permission, fmt::format("{} may be read by others than its owner: chmod 600 {}", path, path));
    return regular_file(path);
}

void add_tls_contents(config::Config& config) {
    if (config::find_section(config.more->sections, keyword::ssl) == nullptr) return;
    auto& sections = config.more.edit().sections;
    auto& block = *std::ranges::find(sections, keyword::ssl.text, &config::Section::keyword);
    const auto read = [&](const config::KeywordName& part, const config::KeywordName& contents) {
        const std::string path = config::first_word(block.values, part);
        if (path.empty()) return;
        auto text = regular_file(path);
        if (text)
            block.values.push_back({std::string{contents.text}, config::WordList{std::move(*text)}});
        else
            block.values.push_back({std::string{keyword::problem.text},
                                    config::WordList{fmt::format("SSL: {}: {}", part.text, text.error().text())}});
    };
    read(keyword::ca, keyword::ca_contents);
    read(keyword::certificate, keyword::certificate_contents);
    read(keyword::key, keyword::key_contents);
}

}  // namespace mainstay::role
