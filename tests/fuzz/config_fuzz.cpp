// Configuration text from anywhere: reading it never goes wrong, every message points into the text, and reading it
// again gives the same.
//
// Under clang: -fsanitize=fuzzer. Under GCC (MAINSTAY_FUZZ_REPLAY) a main of its own replays the files given as
// arguments, and without any a fixed series of damaged configurations.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "mainstay/config/load.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

config::Environment environment() {
    config::Environment environment;
    environment.host_name = "lb1.example.com";
    environment.interface_exists = [](std::string_view name) { return name == "eth0"; };
    environment.variable = [](std::string_view name) { return std::string{name}; };
    environment.random = [] { return std::uint64_t{7}; };
    return environment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    const auto loaded = config::load_text("fuzz.conf", text, environment());
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    for (const auto& diagnostic : loaded.diagnostics) {
        require(diagnostic.place.file == 0);
        require(diagnostic.place.line <= lines + 1);
        require(!diagnostic.message.empty());
        require(!config::render(diagnostic, loaded, true).empty());
        require(!config::render_line(diagnostic, loaded).empty());
    }
    const auto again = config::load_text("fuzz.conf", text, environment());
    require(again.diagnostics == loaded.diagnostics);
    require(again.config == loaded.config);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
namespace {

// Put together at random, they make nearly right configurations.
constexpr std::array<std::string_view, 56> kPieces{"$A=",
                                                   "$B=",
                                                   "$A",
                                                   "$B ",
                                                   "${A}",
                                                   "${B}",
                                                   "${_HASH}",
                                                   "${_ENV X}",
                                                   "${_RANDOM 1 5}",
                                                   "${_PWD}",
                                                   "${",
                                                   "$",
                                                   "@lb1 ",
                                                   "@^lb1 ",
                                                   "@x ",
                                                   "~SEQ(A,1,3) ",
                                                   "~SEQ(B,$A) ",
                                                   "~SEQx(A,9,11)",
                                                   "~LST({A,B},{1,2},{3,4}) ",
                                                   "~LST(A,x,y) ",
                                                   "~SEQ(",
                                                   ")",
                                                   ",",
                                                   "\\\n",
                                                   " \\\n",
                                                   "\n",
                                                   "\n",
                                                   "\n",
                                                   "{",
                                                   "}",
                                                   " {\n",
                                                   "}\n",
                                                   "\"",
                                                   "'",
                                                   "#",
                                                   "!",
                                                   "\\#",
                                                   "//",
                                                   " ",
                                                   "\t",
                                                   "\r\n",
                                                   "include x",
                                                   "vrrp_instance VI_1 {\n",
                                                   "interface eth0\n",
                                                   "virtual_router_id 5\n",
                                                   "virtual_ipaddress {\n",
                                                   "10.0.0.${A}/24\n",
                                                   "priority $A\n",
                                                   "virtual_server 10.0.0.1 80 {\n",
                                                   "protocol TCP\n",
                                                   "real_server 10.1.1.$B 80 {\n",
                                                   "TCP_CHECK {\n",
                                                   "global_defs {\n",
                                                   "net_namespace a\n",
                                                   "\xE3\x80\x80",
                                                   "\xFF"};

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    std::mt19937 random{1};
    for (int round = 0; argc == 1 && round < 4'000; ++round) {
        std::string text;
        for (std::size_t pieces = random() % 40; pieces > 0; --pieces) text += kPieces.at(random() % kPieces.size());
        for (std::size_t slips = text.empty() ? 0 : random() % 3; slips > 0; --slips)
            text[random() % text.size()] = static_cast<char>(random());
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    }
}
#endif
