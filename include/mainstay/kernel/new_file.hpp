// A file that is made beside its place and put there when it is whole: who reads that place sees the old file or the
// new one. No symbolic link is followed, neither at its name nor at the place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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
    // The same, for a file that must survive a power cut: its content is on the disk before the name, and the name when
    // this returns. Waits for the disk.
    [[nodiscard]] Result<void> put_in_place_durably(std::uint32_t mode);

private:
    NewFile(std::string path, std::string temporary, UniqueFd descriptor)
        : path_{std::move(path)}, temporary_{std::move(temporary)}, descriptor_{std::move(descriptor)} {}

    std::string path_, temporary_;  // temporary_: empty when it is in its place
    UniqueFd descriptor_;
};

// A whole new file at this place, which survives a power cut; of the old one nothing is lost until then.
[[nodiscard]] Result<void> write_file_durably(const std::string& path, std::span<const std::byte> content,
                                              std::uint32_t mode);
// All of the bytes. `doing`: for the error, "write /run/x".
[[nodiscard]] Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& doing);
// What was put into the folder of this file, or removed from it, survives a power cut. Waits for the disk.
[[nodiscard]] Result<void> sync_folder_of(const std::string& path);

}  // namespace mainstay::kernel
