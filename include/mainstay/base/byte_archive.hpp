// Values as bytes and back, for the same version of the same program: no field may be missing, added or skipped.
//
// What other versions must read goes through ipc/codec.hpp instead. A struct needs one function, found by ADL, that
// serves both directions:
//     template <class A> void state(A& archive, Thing& t) { archive(t.name, t.due, t.children); }
// A reader never trusts a length: everything is bounded by the bytes that are there. After the first failure it reads
// nothing more, and what it was given to read into is unspecified.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ip.hpp"
#include "time.hpp"

namespace mainstay {

// Writes into memory that it does not own; bytes that do not fit are only counted.
class ByteWriter {
public:
    static constexpr bool kWrites = true;
    explicit ByteWriter(std::span<std::byte> room) : room_{room} {}
    template <class... T>
    void operator()(const T&... values) {
        (put(values), ...);
    }
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
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool fits() const { return size_ <= room_.size(); }

private:
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void put(const T& value) {
        raw(std::as_bytes(std::span{&value, 1}));
    }
    void put(const std::string& text) {
        number(text.size());
        raw(std::as_bytes(std::span{text}));
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
        raw(value.bytes());
    }
    void put(const Prefix& value) { (*this)(value.address, value.length); }
    template <class K, class V>
    void put(const std::pair<K, V>& value) {
        (*this)(value.first, value.second);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        elements(values);
    }
    template <class K, class V, class L>
    void put(const std::map<K, V, L>& values) {
        elements(values);
    }
    template <class K>
    void put(const std::set<K>& values) {
        elements(values);
    }
    template <class C>
    void elements(const C& values) {
        number(values.size());
        for (const auto& value : values) put(value);
    }
    void put(const std::vector<std::byte>& bytes) {
        number(bytes.size());
        raw(bytes);
    }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class... T>
    void put(const std::variant<T...>& value) {
        put(static_cast<std::uint8_t>(value.index()));
        std::visit([&](const auto& held) { put(held); }, value);
    }
    template <class T>
        requires std::is_class_v<T>
    void put(const T& value) {
        state(*this, const_cast<T&>(value));  // NOLINT: state() serves both directions; a ByteWriter only reads
    }

    std::span<std::byte> room_;
    std::size_t size_ = 0;
};

class ByteReader {
public:
    static constexpr bool kWrites = false;
    // Times beyond it are refused, so that sums of two of them cannot overflow: 36 years of nanoseconds.
    static constexpr std::int64_t kTimeMax = std::int64_t{1} << 60;

    explicit ByteReader(std::span<const std::byte> bytes) : rest_{bytes} {}
    template <class... T>
    void operator()(T&... values) {
        (get(values), ...);
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }
    void refuse() { ok_ = false; }
    // The next `size` bytes; none, and a failure, if there are fewer.
    [[nodiscard]] std::span<const std::byte> raw(std::size_t size) {
        if (!ok_ || rest_.size() < size) {
            ok_ = false;
            return {};
        }
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }
    [[nodiscard]] std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            std::uint8_t byte = 0;
            get(byte);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        ok_ = false;
        return 0;
    }
    [[nodiscard]] std::int64_t signed_number() {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
    }
    // The number of elements that follow. Each has at least one byte, so more than the remaining bytes are refused.
    [[nodiscard]] std::size_t length() {
        const std::uint64_t size = number();
        if (size > rest_.size()) ok_ = false;
        return ok_ ? static_cast<std::size_t>(size) : 0;
    }

private:
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void get(T& out) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            get(byte);
            out = byte != 0;
        } else if (const auto bytes = raw(sizeof out); ok_) {
            std::memcpy(&out, bytes.data(), sizeof out);
        }
    }
    void get(std::string& out) {
        const auto bytes = raw(length());
        out.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    template <class R, class P>
    void get(std::chrono::duration<R, P>& out) {
        std::int64_t count = 0;
        get(count);
        constexpr std::int64_t kMost = kTimeMax / (1'000'000'000 / std::min<std::int64_t>(P::den, 1'000'000'000));
        if (count > kMost || count < -kMost) ok_ = false;
        if (ok_) out = std::chrono::duration<R, P>{static_cast<R>(count)};
    }
    template <class C, class D>
    void get(std::chrono::time_point<C, D>& out) {
        D since{};
        get(since);
        out = std::chrono::time_point<C, D>{since};
    }
    void get(WallTime& out) {
        get(out.unix_us);
        if (out.unix_us > kTimeMax || out.unix_us < -kTimeMax) ok_ = false;
    }
    void get(IpAddress& out) {
        Family family{};
        get(family);
        out = {};
        if (family == Family::V4) {
            std::array<std::byte, 4> bytes{};
            fill(bytes);
            out = IpAddress::v4(std::span<const std::byte, 4>{bytes});
        } else if (family == Family::V6) {
            std::array<std::byte, 16> bytes{};
            fill(bytes);
            out = IpAddress::v6(std::span<const std::byte, 16>{bytes});
        } else if (family != Family::None) {
            ok_ = false;
        }
    }
    void fill(std::span<std::byte> into) {
        const auto bytes = raw(into.size());
        if (ok_) std::memcpy(into.data(), bytes.data(), into.size());
    }
    void get(Prefix& out) {
        (*this)(out.address, out.length);
        if (out.length > 8 * out.address.bytes().size()) ok_ = false;
    }
    template <class K, class V>
    void get(std::pair<K, V>& out) {
        (*this)(out.first, out.second);
    }
    template <class T>
    void get(std::vector<T>& out) {
        out.clear();
        for (std::size_t count = length(); count > 0 && ok_; --count) get(out.emplace_back());
    }
    void get(std::vector<std::byte>& out) {
        const auto bytes = raw(length());
        out.assign(bytes.begin(), bytes.end());
    }
    template <class K, class V, class L>
    void get(std::map<K, V, L>& out) {
        out.clear();
        for (std::size_t count = length(); count > 0 && ok_; --count) {
            K key{};
            get(key);
            get(out[key]);
        }
    }
    template <class K>
    void get(std::set<K>& out) {
        out.clear();
        for (std::size_t count = length(); count > 0 && ok_; --count) {
            K key{};
            get(key);
            out.insert(std::move(key));
        }
    }
    template <class T>
    void get(std::optional<T>& out) {
        bool present = false;
        get(present);
        out.reset();
        if (present && ok_) get(out.emplace());
    }
    template <class... T>
    void get(std::variant<T...>& out) {
        std::uint8_t index = 0;
        get(index);
        if (index >= sizeof...(T)) ok_ = false;
        std::uint8_t at = 0;
        const auto take = [&]<class V>(std::type_identity<V>) {
            if (at++ == index && ok_) get(out.template emplace<V>());
        };
        (take(std::type_identity<T>{}), ...);
    }
    template <class T>
        requires std::is_class_v<T>
    void get(T& out) {
        state(*this, out);
    }

    std::span<const std::byte> rest_;
    bool ok_ = true;
};

}  // namespace mainstay
