#include "mainstay/wire/flat_json.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::wire;

TEST_CASE("an object without others inside is read as its members") {
    const auto read = flat_json(
        " { \"servers\" : \"10.0.0.1:80\", \"weight\":-12, \"dry_run\":true,\"no\":false,\"reason\":null } \n");
    REQUIRE(read.has_value());
    CHECK(*read == FlatObject{{"servers", std::string{"10.0.0.1:80"}},
                              {"weight", std::int64_t{-12}},
                              {"dry_run", true},
                              {"no", false},
                              {"reason", {}}});
    CHECK(flat_json("{}")->empty());
    CHECK(flat_json("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\"}")->front().second ==
          FlatValue{std::string{"\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}});
}

TEST_CASE("what is not such an object is refused with the place") {
    CHECK(flat_json("{\"a\":[1]}").error().text() ==
          "JSON, byte 5: a text, a whole number, true, false or null was expected");
    CHECK(flat_json("{\"a\":1,\"a\":2}").error().text() == "JSON, byte 12: a name is repeated");
    for (const char* text : {"",
                             "[]",
                             "1",
                             "{",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{\"a\":{}}",
                             "{\"a\":1.5}",
                             "{\"a\":1e3}",
                             "{\"a\":9223372036854775808}",
                             "{\"a\":\"\\x\"}",
                             "{\"a\":\"\\u12\"}",
                             "{\"a\":\"\\ud800\"}",
                             "{\"a\":\"\\udc00\"}",
                             "{\"a\":\"b}",
                             "{\"a\":1} x",
                             "{\"a\":\"\n\"}",
                             "{\"a\":\"\\"}) {
        CAPTURE(text);
        CHECK_FALSE(flat_json(text).has_value());
    }
}

TEST_CASE("an object has 32 members at most") {
    std::string text = "{\"m\":1";
    for (int i = 1; i < 32; ++i) text += ",\"m" + std::to_string(i) + "\":1";
    CHECK(flat_json(text + "}")->size() == 32);
    CHECK_FALSE(flat_json(text + ",\"n\":1}").has_value());
}
