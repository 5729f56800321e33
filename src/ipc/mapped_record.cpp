#include "mainstay/ipc/mapped_record.hpp"

#include <utility>

#include "memfd.hpp"

namespace mainstay::ipc {

struct MappedRecord::Mapping {
    Mapped memory;
};

MappedRecord::MappedRecord(std::unique_ptr<Mapping> mapping) : mapping_{std::move(mapping)} {}
MappedRecord::MappedRecord(MappedRecord&&) noexcept = default;
MappedRecord& MappedRecord::operator=(MappedRecord&&) noexcept = default;
MappedRecord::~MappedRecord() = default;

Result<MappedRecord> MappedRecord::map(int fd, bool writable) {
    auto mapped = Mapped::map(fd, writable);
    if (!mapped) return error_of(mapped, "flight recorder");
    return MappedRecord{std::make_unique<Mapping>(std::move(*mapped))};
}

std::span<std::byte> MappedRecord::bytes() const { return {mapping_->memory.data(), mapping_->memory.size()}; }

}  // namespace mainstay::ipc
