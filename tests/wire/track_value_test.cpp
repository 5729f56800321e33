#include "mainstay/wire/track_value.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay::wire;

TEST_CASE("the first line of a tracked file is read as C reads a number") {
    struct Row {
        std::string text;
        std::optional<std::int32_t> value;
    };
    const Row rows[] = {
        {"", 0},
        {"\n", 0},
        {"   \n7\n", 0},
        {"5", 5},
        {"5\n", 5},
        {"  -12 and more\n", -12},
        {"+3\n", 3},
        {"0x1f\n", 31},
        {"0X1F\n", 31},
        {"-0x10\n", -16},
        {"0x0\n", 0},
        {"0x0f\n", 15},
        {"0x", 0},
        {"0X", 0},
        {"-0x", 0},
        {"0x9\n", 9},
        {"0xa\n", 10},
        {"0xf\n", 15},
        {"0xA\n", 10},
        {"0xF\n", 15},
        {"0xg\n", 0},
        {"0xG\n", 0},
        {"0x:\n", 0},
        {"0x/\n", 0},
        {"0x@\n", 0},
        {"0x`\n", 0},
        {"\t\r\v\f 6\n", 6},
        {"1x5\n", 1},
        {"-\n", 0},
        {"010\n", 8},
        {"08\n", 0},
        {"0x\n", 0},
        {"0\n", 0},
        {"ten\n", 0},
        {"--5\n", 0},
        {"2147483647\n", 2'147'483'647},
        {"2147483648\n", std::nullopt},
        {"-2147483648\n", -2'147'483'647 - 1},
        {"-2147483649\n", std::nullopt},
        {"99999999999999999999999\n", std::nullopt},
        {std::string(200, ' ') + "5\n", 0},
        {std::string("\0005", 2), 0},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(read_track_value(row.text) == row.value);
    }
}
