#include "mainstay/wire/grpc.hpp"

#include <optional>

namespace mainstay::wire {
namespace {

constexpr std::size_t kFrameHead = 5;
constexpr std::uint64_t kStatusField = 1;
constexpr unsigned kWireVarint = 0, kWireFixed64 = 1, kWireBytes = 2, kWireFixed32 = 5;  // of protobuf
constexpr int kVarintBytesMax = 10;

void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
    out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
    std::uint64_t value = 0;
    for (int n = 0; n < kVarintBytesMax && !rest.empty(); ++n) {
        const auto byte = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7fU} << (7 * n);
        if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
}

// Skips a field.
bool skip_field(std::string_view& rest, unsigned type) {
    std::uint64_t size = 0;
    if (type == kWireVarint) return take_varint(rest).has_value();
    if (type == kWireFixed64) size = 8;
    if (type == kWireFixed32) size = 4;
    if (type == kWireBytes) {
        const auto length = take_varint(rest);
        if (!length) return false;
        size = *length;
    } else if (size == 0) {
        return false;
    }
    if (size > rest.size()) return false;
    rest.remove_prefix(static_cast<std::size_t>(size));
    return true;
}

}  // namespace

std::string_view to_string(Serving serving) {
    switch (serving) {
        case Serving::Serving:
            return "SERVING";
        case Serving::NotServing:
            return "NOT_SERVING";
        case Serving::ServiceUnknown:
            return "SERVICE_UNKNOWN";
        case Serving::Unknown:
            break;
    }
    return "UNKNOWN";
}

std::string grpc_health_request(std::string_view service) {
    std::string message;
    if (!service.empty()) {
        message += static_cast<char>(1 << 3 | kWireBytes);
        put_varint(message, service.size());
        message += service;
    }
    std::string framed(1, '\0');  // not compressed
    for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(message.size() >> shift & 0xff);
    return framed + message;
}

Result<Serving> grpc_health_answer(std::string_view body) {
    if (body.size() < kFrameHead) return fail(Errc::Invalid, "gRPC: no message in the answer");
    if (body[0] != 0) return fail(Errc::Invalid, "gRPC: the answer is compressed");
    std::size_t length = 0;
    for (std::size_t i = 1; i < kFrameHead; ++i) length = length << 8 | static_cast<std::uint8_t>(body[i]);
    if (length > body.size() - kFrameHead) return fail(Errc::Invalid, "gRPC: the answer's message is cut");
    std::string_view rest = body.substr(kFrameHead, length);
    Serving serving = Serving::Unknown;  // protobuf omits a field with value 0
    while (!rest.empty()) {
        const auto tag = take_varint(rest);
        if (!tag) return fail(Errc::Invalid, "gRPC: the answer is no protobuf message");
        const auto type = static_cast<unsigned>(*tag & 7);
        if (*tag >> 3 != kStatusField || type != kWireVarint) {
            if (!skip_field(rest, type)) return fail(Errc::Invalid, "gRPC: the answer is no protobuf message");
            continue;
        }
        const auto value = take_varint(rest);
        if (!value) return fail(Errc::Invalid, "gRPC: the answer is no protobuf message");
        serving = *value <= 3 ? static_cast<Serving>(*value) : Serving::Unknown;
    }
    return serving;
}

}  // namespace mainstay::wire
