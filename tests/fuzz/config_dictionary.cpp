// Prints a libFuzzer dictionary: every keyword of the schema with its braces, its choices, and the words of the
// language.
#include <array>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>

#include "mainstay/config/schema/schema.hpp"

using namespace mainstay;

namespace {

constexpr std::array<std::string_view, 47> kWords = {"{\n",
                                                     "}\n",
                                                     " {\n",
                                                     "\\\n",
                                                     " \\\n",
                                                     "\r\n",
                                                     "\"",
                                                     "'",
                                                     "#",
                                                     "!",
                                                     "//",
                                                     "\xEF\xBB\xBF",
                                                     "\xE3\x80\x80",
                                                     "$A=",
                                                     "$A",
                                                     "${A}",
                                                     "$A=\\\n",
                                                     "${_INSTANCE}",
                                                     "${_HASH}",
                                                     "${_BANG}",
                                                     "${_ENV X}",
                                                     "${_RANDOM 1 5}",
                                                     "${_PWD}",
                                                     "@lb2 ",
                                                     "@^lb2 ",
                                                     "~SEQ(A,1,3) ",
                                                     "~LST(A,x,y) ",
                                                     "~LST({A,B},{1,2},{3,4}) ",
                                                     "include b.conf",
                                                     "includea *.conf",
                                                     "include {b,c}.conf",
                                                     "\n%%\n",
                                                     "eth0",
                                                     "10.0.0.1",
                                                     "10.0.0.1/24",
                                                     "2001:db8::1",
                                                     "fe80::1/64",
                                                     "80",
                                                     "255",
                                                     "256",
                                                     "-1",
                                                     "65535",
                                                     "4294967296",
                                                     "0.000001",
                                                     "on",
                                                     "off",
                                                     "tcp"};

void add_choices(std::set<std::string_view>& words, std::string_view choices) {
    while (!choices.empty()) {
        const std::size_t end = choices.find('|');
        words.insert(choices.substr(0, end));
        choices = end == std::string_view::npos ? std::string_view{} : choices.substr(end + 1);
    }
}

void print(std::string_view word) {
    std::printf("\"");
    for (const char c : word) {
        if (c == '"' || c == '\\' || c < ' ' || c > '~') {
            std::printf("\\x%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            std::putchar(c);
        }
    }
    std::printf("\"\n");
}

}  // namespace

int main() {
    std::set<std::string_view> words{kWords.begin(), kWords.end()};
    for (const auto table : config::schema()) {
        for (const auto& row : table) {
            words.insert(row.name);
            add_choices(words, row.args.choices);
            if (const auto space = row.example.find(' '); space != std::string_view::npos)
                words.insert(row.example.substr(space + 1));
        }
    }
    words.erase("");
    for (const auto word : words) print(word);
}
