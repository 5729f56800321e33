// A file that is made beside its place and put there when it is whole: who reads that place sees the old file or the
// new one. No symbolic link is followed, neither at its name nor at the place.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

class NewFile {
public:
    // For its owner alone until it is in its place.
    [[nodiscard]] static Result<NewFile> beside(std::string path);
    NewFile(NewFile&& other) noexcept
        : path_{std::move(other.path_)},
          temporary_{std::exchange(other.temporary_, {})},
          descriptor_{std::move(other.descriptor_)} {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();  // one that was not put in its place is removed

    // For writing only. Who gets it can do nothing else to the file: it is its maker's.
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] Result<void> put_in_place(std::uint32_t mode);

private:
    NewFile(std::string path, std::string temporary, UniqueFd descriptor)
        : path_{std::move(path)}, temporary_{std::move(temporary)}, descriptor_{std::move(descriptor)} {}

    std::string path_, temporary_;  // temporary_: empty when it is in its place
    UniqueFd descriptor_;
};

}  // namespace mainstay::kernel
