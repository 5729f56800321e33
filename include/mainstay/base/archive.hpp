// Values as bytes and back: what the framings have in common.
//
// A struct names its members once, in order, by one function that is found by ADL and serves every framing and both
// directions:
//     template <class A> void fields(A& archive, Thing& t) { archive(t.name, t.port, t.children); }
// A framing says how long things are and what stands around a struct: base/byte_archive.hpp for bytes of the same
// program, base/framed_archive.hpp for what another version reads.
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

#include "compact.hpp"
#include "ip.hpp"
#include "time.hpp"

namespace mainstay {

// Written like a vector of `make(0)` to `make(count - 1)`, of which only one element exists at a time.
template <class F>
struct OneByOne {
    std::size_t count = 0;
    F make;
};

// For the last fields of a struct that occurs tens of thousands of times: a framing that lets a struct end early
// (kMayEnd) writes them only if `says_something`, which is true if any of them differs from its default.
template <class A>
[[nodiscard]] constexpr bool has_trailing_fields(const A&, bool says_something) {
    if constexpr (requires { A::kMayEnd; }) return says_something;
    return true;
}

// `Framing` has raw(bytes), length(number of elements) and structure(struct).
template <class Framing>
class ArchiveWriter {
public:
    static constexpr bool kWrites = true;
    template <class... T>
    void operator()(const T&... values) {
        (put(values), ...);
    }

private:
    Framing& framing() { return static_cast<Framing&>(*this); }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void put(const T& value) {
        framing().raw(std::as_bytes(std::span{&value, 1}));
    }
    void put(const std::string& text) {
        framing().length(text.size());
        framing().raw(std::as_bytes(std::span{text}));
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
        framing().raw(value.bytes());
    }
    void put(const Prefix& value) { (*this)(value.address, value.length); }
    void put(const Endpoint& value) { (*this)(value.address, value.port); }
    template <class K, class V>
    void put(const std::pair<K, V>& value) {
        (*this)(value.first, value.second);
    }
    void put(const std::vector<std::byte>& bytes) {
        framing().length(bytes.size());
        framing().raw(bytes);
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
        framing().length(values.size());
        for (const auto& value : values) put(value);
    }
    template <class F>
    void put(const OneByOne<F>& list) {
        framing().length(list.count);
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
    // Like a T, so that a member may become or stop being a CompactOptional.
    template <class T>
    void put(const CompactOptional<T>& value) {
        put(*value);
    }
    template <class... T>
    void put(const std::variant<T...>& value) {
        put(static_cast<std::uint8_t>(value.index()));
        std::visit([&](const auto& held) { put(held); }, value);
    }
    template <class T>
        requires std::is_class_v<T>
    void put(const T& value) {
        framing().structure(const_cast<T&>(value));  // NOLINT: fields() serves both directions; a writer only reads
    }
};

// `Framing` has count() for the number of elements that follow, structure(struct), and kExact: whether what it reads
// was written by the same version of the same program, so that whatever such a writer does not write is refused. If it
// has kStructLeast, the bytes of the smallest struct, room for all elements of a list is made at once.
template <class Framing>
class ArchiveReader {
public:
    static constexpr bool kWrites = false;
    // Times beyond it are refused, so that sums of two of them cannot overflow: 36 years of nanoseconds.
    static constexpr std::int64_t kTimeMax = std::int64_t{1} << 60;

    explicit ArchiveReader(std::span<const std::byte> bytes) : rest_{bytes} {}
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
    // The number of elements that follow. Each has at least one byte, so more than the remaining bytes are refused.
    [[nodiscard]] std::size_t length() {
        const std::uint64_t size = framing().count();
        if (size > rest_.size()) ok_ = false;
        return ok_ ? static_cast<std::size_t>(size) : 0;
    }

protected:
    void get(std::string& out) {
        const auto bytes = raw(length());
        out.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    void get(T& out) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            get(byte);
            if (ok_) out = byte != 0;
        } else if (const auto bytes = raw(sizeof out); ok_) {
            std::memcpy(&out, bytes.data(), sizeof out);
        }
    }
    template <class R, class P>
    void get(std::chrono::duration<R, P>& out) {
        std::int64_t count = 0;
        get(count);
        constexpr std::int64_t kMost = kTimeMax / (1'000'000'000 / std::min<std::int64_t>(P::den, 1'000'000'000));
        if (Framing::kExact && (count > kMost || count < -kMost)) ok_ = false;
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
        if (Framing::kExact && (out.unix_us > kTimeMax || out.unix_us < -kTimeMax)) ok_ = false;
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
    void get(Prefix& out) {
        get(out.address);
        get(out.length);
        if (Framing::kExact && out.length > 8 * out.address.bytes().size()) ok_ = false;
    }
    void get(Endpoint& out) {
        get(out.address);
        get(out.port);
    }
    template <class K, class V>
    void get(std::pair<K, V>& out) {
        get(out.first);
        get(out.second);
    }
    void get(std::vector<std::byte>& out) {
        const auto bytes = raw(length());
        out.assign(bytes.begin(), bytes.end());
    }
    template <class T>
    void get(std::vector<T>& out) {
        const std::size_t count = length();
        out.clear();
        if constexpr (std::is_class_v<T> && requires { Framing::kStructLeast; })
            if (count <= rest_.size() / Framing::kStructLeast) out.reserve(count);
        for (std::size_t i = 0; i < count && ok_; ++i) get(out.emplace_back());
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
    // An alternative that only a newer version has is skipped, with the rest of its struct.
    template <class... T>
    void get(std::variant<T...>& out) {
        std::uint8_t index = 0;
        get(index);
        if (index >= sizeof...(T)) {
            rest_ = {};
            ok_ = ok_ && !Framing::kExact;
            return;
        }
        std::uint8_t at = 0;
        const auto take = [&]<class V>(std::type_identity<V>) {
            if (at++ == index && ok_) get(out.template emplace<V>());
        };
        (take(std::type_identity<T>{}), ...);
    }
    template <class T>
        requires std::is_class_v<T>
    void get(T& out) {
        framing().structure(out);
    }

    std::span<const std::byte> rest_;
    bool ok_ = true;

private:
    Framing& framing() { return static_cast<Framing&>(*this); }
    void fill(std::span<std::byte> into) {
        const auto bytes = raw(into.size());
        if (ok_) std::memcpy(into.data(), bytes.data(), into.size());
    }
};

}  // namespace mainstay
