// Settings of the kernel while somebody wants them changed: the value that was there first is kept, a change by another
// program is repaired, and at the end the first value is put back.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/base/log.hpp"
#include "mainstay/role/lvs/role.hpp"

namespace mainstay::role {

inline constexpr std::string_view kExpireQuiescent = "expire_quiescent_template";
inline constexpr std::string_view kExpireNoDestination = "expire_nodest_conn";
// Answers of real servers to checks along the data path come from the service's address, which may be this host's own.
inline constexpr std::string_view kAcceptLocal = "net/ipv4/conf/all/accept_local";

// Below /proc/sys. A name without slashes is one of net/ipv4/vs.
[[nodiscard]] std::string sysctl_path(std::string_view name);

class IpvsSysctls {
public:
    using Values = std::map<std::string, int, std::less<>>;  // by name, as sysctl_path() takes it

    // `save` is called before a setting is changed for the first time, because its first value must survive a crash.
    IpvsSysctls(Log& log, std::function<void()> save) : log_{log}, save_{std::move(save)} {}

    void inherit(std::string_view name, int original) { originals_.insert_or_assign(std::string{name}, original); }
    void want(std::string_view name, std::optional<int> value);  // none: as it was
    // Compares and writes each. The error of the last one that failed; the others are done.
    [[nodiscard]] Result<void> settle(IpvsSettings& kernel);
    void want_none() { wanted_.clear(); }

    [[nodiscard]] bool is_idle() const { return wanted_.empty() && originals_.empty(); }
    [[nodiscard]] bool wants(std::string_view name) const { return wanted_.contains(name); }
    [[nodiscard]] bool has_set(std::string_view name) const { return set_.contains(name); }
    [[nodiscard]] const Values& originals() const { return originals_; }  // of those that are changed now
    [[nodiscard]] std::optional<int> original(std::string_view name) const;

private:
    [[nodiscard]] Result<void> keep(IpvsSettings& kernel, const std::string& name, int value);
    [[nodiscard]] Result<void> put_back(IpvsSettings& kernel, const std::string& name, int original);

    Log& log_;
    std::function<void()> save_;
    Values wanted_, originals_;
    Values set_;  // by this incarnation
};

}  // namespace mainstay::role
