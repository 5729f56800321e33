#include "discover.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <tuple>

#include "discover_http.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/kernel/process.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr seconds kPauseMax{30};  // between attempts while the registry does not answer
constexpr seconds kConfirm{
    30};  // an unchanged file is written again this often: its age shows that somebody follows it

void say(const std::string& line) { print_error("mainstay-discover: " + line + "\n"); }

std::string changes(const config::DiscoveredServers& before, const config::DiscoveredServers& after) {
    const auto place = [](const config::DiscoveredServer& one) { return std::tie(one.address, one.port); };
    const auto missing = [&](const auto& from, const auto& in) {
        return std::ranges::count_if(from, [&](const auto& one) {
            return std::ranges::none_of(in, [&](const auto& other) { return place(one) == place(other); });
        });
    };
    return fmt::format("{} ({} more, {} fewer)", counted(after.size(), "server"), missing(after, before),
                       missing(before, after));
}

bool is_loopback(std::string_view url) {
    for (const std::string_view begin : {"http://127.", "http://localhost:", "http://localhost/", "http://[::1]"})
        if (url.starts_with(begin)) return true;
    return url == "http://localhost";
}

}  // namespace

Result<std::string> secret_of(const std::string& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) return fail_system("read " + file, errno);
    if ((status.st_mode & S_IROTH) != 0)
        return fail(Errc::Permission, file + " may be read by everybody: chmod o-r it");
    std::ifstream opened{file};
    std::string line;
    if (!std::getline(opened, line) || line.empty()) return fail(Errc::Invalid, file + " has no first line");
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

std::string problem_of(const DiscoverOptions& options) {
    if (!options.file.starts_with('/')) return "--file takes an absolute path";
    for (const auto& url : options.urls) {
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            return fmt::format("--url {}: it begins with http:// or https://", url);
        if (!options.secret_file.empty() && url.starts_with("http://") && !is_loopback(url))
            return fmt::format("--url {}: a secret is not sent without TLS, except to this host: write https://", url);
    }
    return {};
}

int follow_registry(RegistrySource& source, const DiscoverOptions& options) {
    std::optional<config::DiscoveredServers> written;
    Clock::time_point at{};
    std::string problem;
    unsigned failures = 0;
    while (!asked_to_stop()) {
        auto servers = source.next();
        if (asked_to_stop()) break;
        Result<void> done;
        if (!servers) {
            done = error_of(servers);
        } else if (!written || *servers != *written || Clock::now() - at >= kConfirm) {
            done = kernel::write_file_safely(options.file, config::server_file_of(*servers), 0644);
            if (done && (!written || *servers != *written))
                say(changes(written.value_or(config::DiscoveredServers{}), *servers));
            if (done) written = std::move(*servers), at = Clock::now();
        }
        if (options.once) {
            if (!done) say(done.error().text());
            if (!servers && ++failures < options.urls.size()) continue;  // the next one is asked now
            return done ? 0 : 1;
        }
        if (done) {
            if (failures > 0) say(fmt::format("it answers again, after {} attempts", failures + 1));
            failures = 0;
            problem.clear();
            continue;
        }
        // Once for each reason; the attempts never end.
        if (std::exchange(problem, done.error().text()) != problem)
            say(problem + ": the file stays as it is, and attempts go on");
        pause_for(std::min<std::chrono::milliseconds>(kPauseMax, seconds{1U << std::min(failures, 5U)}));
        ++failures;
    }
    return 0;
}

}  // namespace mainstay::cli
