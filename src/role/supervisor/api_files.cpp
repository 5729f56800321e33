// The settings of the API and the files that they name, for the observer: it may not open them itself (a private key is
// for root alone), so the supervisor opens them and hands them over for reading, again whenever they have changed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "operators.hpp"

namespace mainstay::role {
namespace {

constexpr unsigned kApiLookEvery = 5;  // seconds

struct Named {
    ipc::ApiFile::What what;
    const std::string ipc::ApiSettings::* path;
    bool is_secret;  // nobody but its owner and group may read it
};
using Which = ipc::ApiFile::What;
constexpr std::array kNamed{Named{Which::Certificate, &ipc::ApiSettings::tls_certificate, false},
                            Named{Which::Key, &ipc::ApiSettings::tls_key, true},
                            Named{Which::ClientCa, &ipc::ApiSettings::tls_client_ca, false},
                            Named{Which::Credentials, &ipc::ApiSettings::credentials, true},
                            Named{Which::PeerToken, &ipc::ApiSettings::peer_token, true},
                            Named{Which::PeerCa, &ipc::ApiSettings::peer_ca, false}};

std::string problem_with(const struct stat& facts, bool is_secret) {
    if (!S_ISREG(facts.st_mode)) return "it is no regular file";
    if (static_cast<std::uint64_t>(facts.st_size) > ipc::kApiFileBytesMax) return "it is larger than 1 MB";
    if ((facts.st_mode & S_IWOTH) != 0) return "everybody may write it";
    if (is_secret && (facts.st_mode & S_IROTH) != 0) return "everybody may read it: chmod o-r";
    return {};
}

// O_NONBLOCK: a FIFO must not make the supervisor wait.
UniqueFd opened(const std::string& path, bool is_secret, std::string& problem) {
    UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat facts{};
    if (!file || ::fstat(file.get(), &facts) != 0)
        problem = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): the supervisor has one thread
    else
        problem = problem_with(facts, is_secret);
    if (!problem.empty()) file.reset();
    return file;
}

// What changes when a file is written or replaced.
std::vector<std::string> looks_of(const ipc::ApiSettings& settings) {
    std::vector<std::string> looks;
    for (const auto& named : kNamed) {
        struct stat facts{};
        if ((settings.*named.path).empty() || ::stat((settings.*named.path).c_str(), &facts) != 0)
            looks.emplace_back();
        else
            looks.push_back(fmt::format("{}.{}.{}.{}.{}.{}", facts.st_dev, facts.st_ino, facts.st_size, facts.st_mode,
                                        facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec));
    }
    return looks;
}

}  // namespace

void Operators::send_api() {
    auto& observer = children_.of(Kind::Observer);
    if (!observer.alive() || !observer.ready) return;
    const auto& settings = daemon_.current.settings.api;
    api_files_seen_ = looks_of(settings);
    observer.send(settings, -1, log_);
    observer.send(daemon_.current.settings.webhooks, -1, log_);
    for (const auto& named : kNamed) {
        const std::string& path = settings.*named.path;
        if (path.empty()) continue;
        ipc::ApiFile file{.what = named.what, .problem = {}};
        const auto descriptor = opened(path, named.is_secret, file.problem);
        if (!file.problem.empty()) log_.error("[api] {}: {}", path, file.problem);
        observer.send(file, descriptor.get(), log_);
    }
}

void Operators::look_at_api_files() {
    if (++until_api_look_ < kApiLookEvery) return;
    until_api_look_ = 0;
    const auto& observer = children_.of(Kind::Observer);
    if (!observer.alive() || !observer.ready) return;
    if (daemon_.current.settings.api.listen.empty() && daemon_.current.settings.api.peer.empty()) return;
    if (looks_of(daemon_.current.settings.api) != api_files_seen_) send_api();
}

}  // namespace mainstay::role
