#include "mainstay/role/common/identity.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <span>

#include "mainstay/base/hash.hpp"

namespace mainstay::role {
namespace {

constexpr std::string_view kFolderCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+:";
// "/run/mainstay/NAME/supervisor.sock" must fit into the 107 bytes of a socket's path.
constexpr std::size_t kFolderNameMax = 72, kHashCharacters = 8;
constexpr std::size_t kPidNameMax = 47;  // the id of a router, and ".pid.keepalived" almost whole

// The same on every host and in every version.
std::uint32_t hash_of(std::string_view text) {
    return static_cast<std::uint32_t>(fnv1a(std::as_bytes(std::span{text})));
}

}  // namespace

std::string Identity::program_and_version(const std::string& version) const {
    const std::string own = "mainstay v" + version;
    return keepalived ? "Keepalived v" + std::string{kKeepalivedVersion} + " (" + own + ")" : own;
}

std::string Identity::log_ident(Kind kind) const {
    return keepalived ? traits_of(kind).keepalived_ident : traits_of(kind).program;
}

std::string Identity::process_name(Kind kind) const {
    // keepalived: all its processes have the same name unless process_names is set.
    return keepalived ? "keepalived" : log_ident(kind);
}

std::string Identity::pid_file(Kind kind, const std::string& run_directory) const {
    const KindTraits& traits = traits_of(kind);
    if (keepalived && traits.keepalived_pid_file != nullptr) return std::string{"/run/"} + traits.keepalived_pid_file;
    return run_directory + "/" + traits.pid_file;
}

std::string folder_name(const std::string& text) {
    std::string name = text;
    for (char& c : name)
        if (kFolderCharacters.find(c) == std::string_view::npos) c = '_';
    if (name.starts_with('.')) name.front() = '_';
    if (name == text && name.size() <= kFolderNameMax) return name;
    return fmt::format("{}-{:08x}", name.substr(0, kFolderNameMax - kHashCharacters - 1), hash_of(text));
}

std::string name_of_pid_file(const std::string& path) {
    if (path.empty()) return {};
    std::string file = std::filesystem::path{path}.lexically_normal().string();
    if (file.starts_with("/var/run/")) file.erase(0, std::string_view{"/var"}.size());
    for (const char* const own :
         {"/run/mainstay/mainstayd.pid", "/run/keepalived.pid", "/run/keepalived/keepalived.pid"})
        if (file == own) return {};
    const std::string shown = folder_name(file.substr(file.rfind('/') + 1));
    return fmt::format("{}-{:08x}", shown.substr(0, kPidNameMax), hash_of(file));
}

bool follows_from_pid_file(std::string_view daemon, std::string_view name) {
    if (!daemon.starts_with(name) || daemon.size() < name.size() + 1 + kHashCharacters) return false;
    const auto rest = daemon.substr(name.size());
    const auto hash = rest.substr(rest.size() - kHashCharacters);
    return std::string_view{"_-."}.contains(rest.front()) && rest[rest.size() - kHashCharacters - 1] == '-' &&
           hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Identity identity_of(std::string_view argv0) {
    const auto slash = argv0.rfind('/');
    if (slash != std::string_view::npos) argv0.remove_prefix(slash + 1);
    return Identity{argv0 == "keepalived"};
}

}  // namespace mainstay::role
