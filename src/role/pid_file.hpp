// A pid file that is locked for as long as its process lives: a stale one is told from a live one by the lock, not by
// a number that may belong to somebody else by now.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role {

class PidFile {
public:
    // Errc::Exists: another process holds it (or, without a lock, the process it names is alive and is called
    // `program`: a keepalived of the other kind).
    [[nodiscard]] static Result<PidFile> claim(const std::string& path, const std::string& program);
    PidFile() = default;
    PidFile(PidFile&&) = default;
    PidFile& operator=(PidFile&& other) noexcept;
    ~PidFile() { remove(); }
    void remove();

private:
    std::string path_;
    UniqueFd lock_;
};

}  // namespace mainstay::role
