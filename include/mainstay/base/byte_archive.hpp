// The framing for the same version of the same program (base/archive.hpp): no field may be missing, added or skipped,
// and nothing stands around a struct. Numbers of elements have seven bits in each byte.
#pragma once

#include "archive.hpp"

namespace mainstay {

// Writes into memory that it does not own; bytes that do not fit are only counted.
class ByteWriter : public ArchiveWriter<ByteWriter> {
public:
    explicit ByteWriter(std::span<std::byte> room) : room_{room} {}
    void raw(std::span<const std::byte> bytes) {
        if (!bytes.empty() && bytes.size() <= room_.size() - std::min(size_, room_.size()))
            std::memcpy(room_.data() + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    // Seven bits in each byte, the lowest ones first.
    void number(std::uint64_t value) {
        std::array<std::byte, 10> bytes{};
        std::size_t count = 0;
        for (; value >= 0x80; value >>= 7) bytes[count++] = static_cast<std::byte>(value | 0x80);
        bytes[count++] = static_cast<std::byte>(value);
        raw(std::span{bytes}.first(count));
    }
    void signed_number(std::int64_t value) {
        number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    void length(std::size_t count) { number(count); }
    // Bytes with their length in front, which `fill` writes into the room that it gets: it returns how many they are,
    // also of what does not fit.
    template <class Fill>
    void sized(Fill&& fill) {
        constexpr std::size_t kWidth = 5;  // of the length, whatever it is
        const std::size_t begin = std::min(size_ + kWidth, room_.size());
        const std::size_t length = fill(room_.subspan(begin));
        for (std::size_t i = 0; i < kWidth; ++i) {
            const auto more = i + 1 < kWidth ? std::size_t{0x80} : 0;
            const auto byte = static_cast<std::byte>((length >> (7 * i) & 0x7f) | more);
            raw({&byte, 1});
        }
        size_ += length;
    }
    template <class T>
    void structure(T& value) {
        fields(*this, value);
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool fits() const { return size_ <= room_.size(); }
    // Where the last bytes stand in the room; none if they do not fit.
    [[nodiscard]] std::span<const std::byte> last(std::size_t bytes) const {
        return fits() ? room_.subspan(size_ - bytes, bytes) : std::span<std::byte>{};
    }

private:
    std::span<std::byte> room_;
    std::size_t size_ = 0;
};

class ByteReader : public ArchiveReader<ByteReader> {
public:
    static constexpr bool kExact = true;

    using ArchiveReader::ArchiveReader;
    [[nodiscard]] std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            std::uint8_t byte = 0;
            get(byte);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        refuse();
        return 0;
    }
    [[nodiscard]] std::int64_t signed_number() {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
    }
    [[nodiscard]] std::uint64_t count() { return number(); }
    template <class T>
    void structure(T& out) {
        fields(*this, out);
    }
};

}  // namespace mainstay
