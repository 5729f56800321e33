// The messages of grpc.health.v1.Health/Check, and the frame of gRPC around them (gRPC over HTTP/2: a byte for
// compression, four for the length).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {

// An answer is a few bytes; fields that are not known may make it longer.
inline constexpr std::size_t kGrpcAnswerMax = 4096;

enum class Serving : std::uint8_t { Unknown = 0, Serving = 1, NotServing = 2, ServiceUnknown = 3 };
[[nodiscard]] std::string_view to_string(Serving serving);  // "NOT_SERVING"

// The framed request; an empty name asks about the server as a whole.
[[nodiscard]] std::string grpc_health_request(std::string_view service);
// Of the whole body of an answer. Values of the enumeration that are not known count as Unknown.
[[nodiscard]] Result<Serving> grpc_health_answer(std::string_view body);

}  // namespace mainstay::wire
