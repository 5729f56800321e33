#include "mainstay/wire/grpc.hpp"

#include <doctest/doctest.h>

using namespace mainstay::wire;
using namespace std::string_literals;

TEST_CASE("the request is a framed message with the service's name, or an empty one") {
    CHECK(grpc_health_request("") == "\0\0\0\0\0"s);
    CHECK(grpc_health_request("a.B") == "\0\0\0\0\x05\x0a\x03"s + "a.B");
    const std::string longer = grpc_health_request(std::string(200, 'x'));
    CHECK(longer.substr(0, 8) == "\0\0\0\0\xcb\x0a\xc8\x01"s);
}

TEST_CASE("an answer's status is read among fields that are not known") {
    CHECK(grpc_health_answer("\0\0\0\0\x02\x08\x01"s) == Serving::Serving);
    CHECK(grpc_health_answer("\0\0\0\0\x02\x08\x02"s) == Serving::NotServing);
    CHECK(grpc_health_answer("\0\0\0\0\x02\x08\x03"s) == Serving::ServiceUnknown);
    CHECK(grpc_health_answer("\0\0\0\0\x02\x08\x09"s) == Serving::Unknown);
    CHECK(grpc_health_answer("\0\0\0\0\0"s) == Serving::Unknown);
    CHECK(grpc_health_answer("\0\0\0\0\x08\x12\x02hi\x10\x05\x08\x01"s) == Serving::Serving);
    CHECK(grpc_health_answer("\0\0\0\0\x07\x1d"
                             "abcd\x08\x01"s) == Serving::Serving);
    CHECK(grpc_health_answer("\0\0\0\0\x06\x08\x01\x12\x02hi"s) == Serving::Serving);  // the last one is passed over
    // A field number of two bytes, and a length of two bytes: 130.
    CHECK(grpc_health_answer("\0\0\0\0\x05\x80\x01\x07\x08\x01"s) == Serving::Serving);
    CHECK(grpc_health_answer("\0\0\0\0\x87\x12\x82\x01"s + std::string(130, 'x') + "\x08\x02") == Serving::NotServing);
    CHECK(grpc_health_answer("\0\0\0\x01\x02\x12\xfd\x01"s + std::string(253, 'x') + "\x08\x02") ==
          Serving::NotServing);
    CHECK(grpc_health_answer("\0\0\0\0\x0b\x19"
                             "abcdefgh\x08\x01"s) == Serving::Serving);
}

TEST_CASE("what is cut, compressed or no message is refused with its reason") {
    CHECK(grpc_health_answer("").error().text() == "gRPC: no message in the answer");
    CHECK(grpc_health_answer("\x01\0\0\0\x02\x08\x01"s).error().text() == "gRPC: the answer is compressed");
    CHECK(grpc_health_answer("\0\0\0\0\x03\x08\x01"s).error().text() == "gRPC: the answer's message is cut");
    for (const auto& length : {"\x01\0\0\x02"s, "\0\x01\0\x02"s, "\0\0\x01\x02"s})
        CHECK(grpc_health_answer("\0"s + length + "\x08\x01").error().text() == "gRPC: the answer's message is cut");
    CHECK(grpc_health_answer("\0\xff\xff\xff\xff\x08\x01"s).error().text() == "gRPC: the answer's message is cut");
    for (const auto& message : {"\x08"s, "\x12\x7f"s, "\x0b\x01"s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\x01"s}) {
        const std::string framed = "\0\0\0\0"s + static_cast<char>(message.size()) + message;
        CHECK(grpc_health_answer(framed).error().text() == "gRPC: the answer is no protobuf message");
    }
}
