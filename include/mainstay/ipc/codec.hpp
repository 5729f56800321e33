// One codec for everything that crosses a process border: messages, snapshots of the model, state blocks, events.
//
// A struct is written as a 32-bit length and its fields in order. A reader takes as many fields as there are and
// leaves the rest at their defaults; what it does not know yet it skips. So fields may be added at the end of a
// struct, and version N and N+1 read each other; they may never be removed, reordered or change type.
//
// A struct needs one function, found by ADL or declared in ipc/:
//     template <class A> void fields(A& archive, Thing& t) { archive(t.name, t.port, t.children); }
// Decoding never trusts a length: everything is bounded by the bytes that are there.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "mainstay/base/compact_optional.hpp"
#include "mainstay/base/compact_vector.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::ipc {

// Encoded like a vector of `make(0)` to `make(count - 1)`, of which only one element exists at a time.
template <class F>
struct OneByOne {
    std::size_t count = 0;
    F make;
};

// The destination of a long encoding: it gets complete pieces in order. The length of a struct that is longer than a
// piece is written afterwards.
class EncodingTarget {
public:
    virtual void append(std::span<const std::byte> piece) = 0;
    virtual void overwrite(std::size_t at, std::span<const std::byte> bytes) = 0;

protected:
    ~EncodingTarget() = default;
};

class Encoder {
public:
    Encoder() = default;
    // Encodes into `room`; bytes that do not fit are only counted.
    explicit Encoder(std::span<std::byte> room) : room_{room}, fixed_{true} {}
    // Encodes into `target`, with `room` as the buffer; call finish() at the end.
    Encoder(std::span<std::byte> room, EncodingTarget& target) : room_{room}, target_{&target}, fixed_{true} {}
    void finish() { spill(); }
    template <class... T>
    void operator()(const T&... values) {
        (put(values), ...);
    }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    void raw(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(data);
        if (target_ != nullptr && size_ - spilled_ + size > room_.size()) {
            spill();
            if (size > room_.size()) {
                target_->append({first, size});
                spilled_ += size;
            }
        }
        if (!fixed_)
            bytes_.insert(bytes_.end(), first, first + size);
        else if (size_ >= spilled_ && size_ - spilled_ + size <= room_.size() && size > 0)
            std::memcpy(room_.data() + (size_ - spilled_), data, size);
        size_ += size;
    }
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
    void length(std::size_t size) {
        const auto value = static_cast<std::uint32_t>(size);
        raw(&value, sizeof value);
    }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void put(const T& value) {
        raw(&value, sizeof value);
    }
    void put(const std::string& text) {
        length(text.size());
        raw(text.data(), text.size());
    }
    template <class R, class P>
    void put(const std::chrono::duration<R, P>& value) {
        put(static_cast<std::int64_t>(value.count()));
    }
    template <class C, class D>
    void put(const std::chrono::time_point<C, D>& value) {
        put(value.time_since_epoch());
    }
    void put(const WallTime& value) { put(value.unix_us); }
    void put(const IpAddress& value) {
        put(value.family());
        raw(value.bytes().data(), value.bytes().size());
    }
    void put(const Prefix& value) {
        put(value.address);
        put(value.length);
    }
    void put(const Endpoint& value) {
        put(value.address);
        put(value.port);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        length(values.size());
        if constexpr (std::is_same_v<T, std::byte>)
            raw(values.data(), values.size());
        else
            for (const auto& value : values) put(value);
    }
    template <class F>
    void put(const OneByOne<F>& list) {
        length(list.count);
        for (std::size_t i = 0; i < list.count; ++i) put(list.make(i));
    }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class T>
    void put(const CompactVector<T>& values) {
        put(*values);
    }
    template <class T>
    void put(const CompactOptional<T>& value) {
        put(*value);
    }  // encoded as a T, so that a member may become or stop being a CompactOptional
    template <class... T>
    void put(const std::variant<T...>& value) {
        put(static_cast<std::uint8_t>(value.index()));
        std::visit([&](const auto& held) { put(held); }, value);
    }
    template <class K, class V>
    void put(const std::map<K, V>& values) {
        length(values.size());
        for (const auto& [key, value] : values) {
            put(key);
            put(value);
        }
    }
    template <class T>
        requires std::is_class_v<T>
    void put(const T& value) {
        const std::size_t at = size_;
        length(0);
        fields(*this, const_cast<T&>(value));  // NOLINT: fields() serves both directions; an Encoder only reads
        overwrite(at, static_cast<std::uint32_t>(size_ - at - sizeof(std::uint32_t)));
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

class Decoder {
public:
    explicit Decoder(std::span<const std::byte> bytes) : rest_{bytes} {}
    template <class... T>
    void operator()(T&... values) {
        (get_if_any(values), ...);
    }
    [[nodiscard]] bool ok() const { return ok_; }
    template <class T>
    void value(T& out) {
        get(out);
    }

private:
    bool raw(void* out, std::size_t size) {
        if (!ok_ || rest_.size() < size) return ok_ = false;
        if (size == 0) return true;  // no bytes may also be nowhere, which memcpy() must not be given
        std::memcpy(out, rest_.data(), size);
        rest_ = rest_.subspan(size);
        return true;
    }
    // The number of elements that follow. Each has at least one byte, so a number above the remaining bytes is invalid.
    std::uint32_t length() {
        std::uint32_t size = 0;
        if (!raw(&size, sizeof size)) return 0;
        if (size > rest_.size()) {
            ok_ = false;
            return 0;
        }
        return size;
    }
    // A struct from an older writer ends early: the remaining fields keep their defaults.
    template <class T>
    void get_if_any(T& out) {
        if (!rest_.empty()) get(out);
    }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void get(T& out) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            if (raw(&byte, 1)) out = byte != 0;
        } else {
            raw(&out, sizeof out);
        }
    }
    void get(std::string& out) {
        out.resize(length());
        raw(out.data(), out.size());
    }
    template <class R, class P>
    void get(std::chrono::duration<R, P>& out) {
        std::int64_t count = 0;
        get(count);
        out = std::chrono::duration<R, P>{static_cast<R>(count)};
    }
    template <class C, class D>
    void get(std::chrono::time_point<C, D>& out) {
        D since{};
        get(since);
        out = std::chrono::time_point<C, D>{since};
    }
    void get(WallTime& out) { get(out.unix_us); }
    void get(IpAddress& out) {
        Family family{};
        get(family);
        if (family == Family::V4) {
            std::array<std::byte, 4> bytes{};
            if (raw(bytes.data(), 4)) out = IpAddress::v4(std::span<const std::byte, 4>{bytes});
        } else if (family == Family::V6) {
            std::array<std::byte, 16> bytes{};
            if (raw(bytes.data(), 16)) out = IpAddress::v6(std::span<const std::byte, 16>{bytes});
        } else {
            out = IpAddress{};
        }
    }
    void get(Prefix& out) {
        get(out.address);
        get(out.length);
    }
    void get(Endpoint& out) {
        get(out.address);
        get(out.port);
    }
    template <class T>
    void get(std::vector<T>& out) {
        const std::uint32_t size = length();
        out.clear();
        if constexpr (std::is_same_v<T, std::byte>) {
            out.resize(size);
            raw(out.data(), size);
        } else {
            // A struct has at least four bytes.
            if (std::is_class_v<T> && size <= rest_.size() / sizeof(std::uint32_t)) out.reserve(size);
            for (std::uint32_t i = 0; i < size && ok_; ++i) get(out.emplace_back());
        }
    }
    template <class T>
    void get(std::optional<T>& out) {
        bool present = false;
        get(present);
        if (present)
            get(out.emplace());
        else
            out.reset();
    }
    template <class T>
    void get(CompactVector<T>& out) {
        std::vector<T> values;
        get(values);
        out = std::move(values);
    }
    template <class T>
    void get(CompactOptional<T>& out) {
        T value{};
        get(value);
        out = std::move(value);
    }
    // An unknown alternative of a newer writer is skipped, with the rest of its struct.
    template <class... T>
    void get(std::variant<T...>& out) {
        std::uint8_t index = 0;
        get(index);
        if (index >= sizeof...(T)) return drop_rest();
        std::size_t at = 0;
        const auto take = [&]<class V>(std::type_identity<V>) {
            if (at++ == index && ok_) get(out.template emplace<V>());
        };
        (take(std::type_identity<T>{}), ...);
    }
    void drop_rest() { rest_ = {}; }
    template <class K, class V>
    void get(std::map<K, V>& out) {
        const std::uint32_t size = length();
        out.clear();
        for (std::uint32_t i = 0; i < size && ok_; ++i) {
            K key{};
            get(key);
            get(out[key]);
        }
    }
    template <class T>
        requires std::is_class_v<T>
    void get(T& out) {
        const std::uint32_t size = length();
        if (!ok_) return;
        if (depth_ == kMostDepth) {
            ok_ = false;
            return;
        }
        Decoder inner{rest_.first(size)};
        inner.depth_ = depth_ + 1;
        fields(inner, out);
        ok_ = inner.ok_;
        rest_ = rest_.subspan(size);
    }

    std::span<const std::byte> rest_;
    std::size_t depth_ = 0;  // structs around this one
    bool ok_ = true;
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

}  // namespace mainstay::ipc
