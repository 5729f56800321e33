// Which servers leave their clients without an answer, from a sample of the kernel's connections.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/report/document.hpp"

namespace mainstay::role {

// The kernel lists them in the order of a hash, so the first of millions tell as much as all.
inline constexpr std::size_t kSampleBytes = 128 * 1024;  // a thousand lines
inline constexpr std::chrono::milliseconds kSampleWithin{10};
inline constexpr std::chrono::seconds kSampleKept{10};  // however often somebody asks

class ConnectionSample {
public:
    explicit ConnectionSample(std::string path = "/proc/self/net/ip_vs_conn", Instant::duration within = kSampleWithin)
        : path_{std::move(path)}, within_{within} {}

    // Without the file, which the module ip_vs brings, there is none.
    [[nodiscard]] const std::vector<report::UnansweredServer>& unanswered(Instant now);

private:
    std::string path_;
    Instant::duration within_;
    Instant read_{};
    std::vector<report::UnansweredServer> unanswered_;
};

}  // namespace mainstay::role
