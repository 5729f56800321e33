#include "connection_sample.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role {
namespace {

// Each read() makes the kernel walk from the beginning again, so a large and sparse table needs the limit of time. The
// first one always counts, however long the process had to wait for it: most tables fit in it.
std::string first_lines(const std::string& path, Instant::duration within) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string lines;
    const auto begun = std::chrono::steady_clock::now();
    if (!file) return lines;
    do {
        std::array<char, 4096> some{};
        const auto length = ::read(file.get(), some.data(), some.size());
        if (length <= 0) break;
        lines.append(some.data(), static_cast<std::size_t>(length));
    } while (lines.size() < kSampleBytes && std::chrono::steady_clock::now() - begun < within);
    lines.resize(lines.rfind('\n') + 1);  // npos + 1 is 0
    return lines;
}

}  // namespace

const std::vector<report::UnansweredServer>& ConnectionSample::unanswered(Instant now) {
    if (read_ == Instant{} || now - read_ >= kSampleKept) {
        read_ = now;
        unanswered_ = report::unanswered_servers(netlink::ipvs_connections(first_lines(path_, within_)));
    }
    return unanswered_;
}

}  // namespace mainstay::role
