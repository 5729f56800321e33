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
    // The lock and the file of a former program of this process.
    [[nodiscard]] static PidFile adopt(const std::string& path, UniqueFd lock);
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int lock() const { return lock_.get(); }
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
