// The framing for whatever another version of the program may read (base/archive.hpp): messages, snapshots of the
// model, state blocks, events.
//
// A struct is written as a 32-bit length and its fields in order. A reader takes as many fields as there are and
// leaves the rest at their defaults; what it does not know yet it skips. So fields may be added at the end of a
// struct, and version N and N+1 read each other; they may never be removed, reordered or change type.
#pragma once

#include "archive.hpp"
#include "error.hpp"

namespace mainstay {

// The destination of a long encoding: it gets complete pieces in order. The length of a struct that is longer than a
// piece is written afterwards.
class EncodingTarget {
public:
    virtual void append(std::span<const std::byte> piece) = 0;
    virtual void overwrite(std::size_t at, std::span<const std::byte> bytes) = 0;

protected:
    ~EncodingTarget() = default;
};

class Encoder : public ArchiveWriter<Encoder> {
public:
    static constexpr bool kMayEnd = true;

    Encoder() = default;
    // Encodes into `room`; bytes that do not fit are only counted.
    explicit Encoder(std::span<std::byte> room) : room_{room}, fixed_{true} {}
    // Encodes into `target`, with `room` as the buffer; call finish() at the end.
    Encoder(std::span<std::byte> room, EncodingTarget& target) : room_{room}, target_{&target}, fixed_{true} {}
    void finish() { spill(); }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return size_; }

    void raw(std::span<const std::byte> bytes) {
        if (target_ != nullptr && size_ - spilled_ + bytes.size() > room_.size()) {
            spill();
            if (bytes.size() > room_.size()) {
                target_->append(bytes);
                spilled_ += bytes.size();
            }
        }
        if (!fixed_)
            bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        else if (size_ >= spilled_ && size_ - spilled_ + bytes.size() <= room_.size() && !bytes.empty())
            std::memcpy(room_.data() + (size_ - spilled_), bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void length(std::size_t count) { (*this)(static_cast<std::uint32_t>(count)); }
    template <class T>
    void structure(T& value) {
        const std::size_t at = size_;
        length(0);
        fields(*this, value);
        overwrite(at, static_cast<std::uint32_t>(size_ - at - sizeof(std::uint32_t)));
    }

private:
    void overwrite(std::size_t at, std::uint32_t value) {
        if (at < spilled_) return target_->overwrite(at, std::as_bytes(std::span{&value, 1}));
        at -= spilled_;
        std::byte* place = fixed_ ? room_.data() : bytes_.data();
        if (!fixed_ || at + sizeof value <= room_.size()) std::memcpy(place + at, &value, sizeof value);
    }
    void spill() {
        target_->append(room_.first(size_ - spilled_));
        spilled_ = size_;
    }

    std::vector<std::byte> bytes_;
    std::span<std::byte> room_;
    EncodingTarget* target_ = nullptr;
    std::size_t size_ = 0;
    std::size_t spilled_ = 0;  // bytes already written to the target
    bool fixed_ = false;
};

// The limit for nested structs; the model needs a dozen. Some structs are recursive, so hostile bytes could claim any
// depth.
inline constexpr std::size_t kMostDepth = 32;

class Decoder : public ArchiveReader<Decoder> {
public:
    static constexpr bool kExact = false;
    static constexpr std::size_t kStructLeast = sizeof(std::uint32_t);

    using ArchiveReader::ArchiveReader;
    // A struct of an older writer ends early: the remaining fields keep their defaults.
    template <class... T>
    void operator()(T&... values) {
        (get_if_any(values), ...);
    }
    template <class T>
    void value(T& out) {
        get(out);
    }
    [[nodiscard]] std::uint32_t count() {
        std::uint32_t size = 0;
        get(size);
        return size;
    }
    template <class T>
    void structure(T& out) {
        const std::size_t size = length();
        if (depth_ == kMostDepth) refuse();
        if (!ok_) return;
        Decoder inner{rest_.first(size)};
        inner.depth_ = depth_ + 1;
        fields(inner, out);
        ok_ = inner.ok_;
        rest_ = rest_.subspan(size);
    }

private:
    template <class T>
    void get_if_any(T& out) {
        if (!rest_.empty()) get(out);
    }

    std::size_t depth_ = 0;  // structs around this one
};

template <class T>
[[nodiscard]] std::vector<std::byte> encode(const T& value) {
    Encoder encoder;
    encoder(value);
    return encoder.take();
}

// Returns the size of the encoding; if it exceeds `room`, the contents of `room` are incomplete.
template <class T>
std::size_t encode_into(std::span<std::byte> room, const T& value) {
    Encoder encoder{room};
    encoder(value);
    return encoder.size();
}

template <class T>
[[nodiscard]] Result<T> decode(std::span<const std::byte> bytes) {
    T value{};
    Decoder decoder{bytes};
    decoder.value(value);
    if (!decoder.ok()) return fail(Errc::Invalid, "the bytes end early or hold an impossible length");
    return value;
}

}  // namespace mainstay
