// Files of other programs from which a configuration is made, and the files beside keepalived.conf: whatever the bytes
// are, what is made loads without an error, and each loss names a line of the input in plain characters.
//
// The input: a byte that chooses the reader, then the file. tools/fuzz builds it with clang's -fsanitize=fuzzer.
// Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/host_files.hpp"
#include "mainstay/config/tools/import.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;

namespace {

std::optional<std::uint16_t> port_named(std::string_view name, config::Protocol) {
    return name == "http" ? std::optional<std::uint16_t>{80} : std::nullopt;
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

void check_problem(const config::ImportProblem& problem, std::string_view text) {
    fuzz::require(is_plain(problem.what) && problem.what.size() < 1'000);
    fuzz::require(problem.line <= std::ranges::count(text, '\n') + 1U);
}

void check_import(const std::expected<config::Imported, config::ImportProblem>& made, std::string_view text) {
    if (!made) return check_problem(made.error(), text);
    for (const auto& lost : made->lost) check_problem(lost, text);
    const auto loaded = config::load_text("made.conf", made->text, {});
    fuzz::require(loaded.can_run());
    fuzz::require(std::ranges::none_of(loaded.diagnostics, [](const config::Diagnostic& diagnostic) {
        return diagnostic.severity >= config::Severity::Error;
    }));
    fuzz::require(std::ranges::all_of(made->text, [](char c) { return c == '\n' || (c >= ' ' && c < '\x7f'); }));
}

void check_host_files(std::string_view text) {
    for (const auto& setting : config::read_unit_file(text)) {
        fuzz::require(!setting.key.empty() && setting.line >= 1);
        fuzz::require(setting.line <= std::ranges::count(text, '\n') + 1U);
        for (const auto& word : config::read_command_words(setting.value))
            fuzz::require(word.size() <= setting.value.size());
    }
    fuzz::require(!config::is_unit_of_mainstay(text) || text.find("mainstay.service") != std::string_view::npos ||
                  text.find_first_of("\\\"'") != std::string_view::npos);
    const auto value = config::read_environment_value(text, "DAEMON_ARGS");
    fuzz::require(!value || value->size() <= text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    if (data[0] % 4 == 'u' % 4)
        check_host_files(text);
    else if (data[0] % 4 == 'r' % 4)
        check_import(config::read_ipvsadm_rules(text), text);
    else
        check_import(config::read_ldirectord(text, port_named), text);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 6'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        static constexpr std::string_view kRules[] = {"-A",
                                                      "-a",
                                                      "-t",
                                                      "-u",
                                                      "-f",
                                                      "-6",
                                                      "-s",
                                                      "-p",
                                                      "-M",
                                                      "-o",
                                                      "-b",
                                                      "--pe",
                                                      "-r",
                                                      "-m",
                                                      "-g",
                                                      "-i",
                                                      "-w",
                                                      "-x",
                                                      "-y",
                                                      "--tun-type",
                                                      "gue",
                                                      "gre",
                                                      "--tun-port",
                                                      "wlc",
                                                      "rr",
                                                      "mh",
                                                      "10.0.0.1:80",
                                                      "10.0.0.2:80",
                                                      "[2001:db8::1]:80",
                                                      "7",
                                                      "0",
                                                      "255.255.255.0",
                                                      "64",
                                                      "mh-port,flag-1",
                                                      "sip",
                                                      "\n",
                                                      "\n-A -t 10.0.0.1:80 -s rr",
                                                      "\n-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g",
                                                      "\n-A -f 7 -s rr\n-a -f 7 -r 10.0.0.11:0 -m",
                                                      "10.0.0.1:http",
                                                      "\xff"};
        static constexpr std::string_view kLines[] = {"virtual=10.0.0.1:80\n",
                                                      "virtual=7\n",
                                                      "virtual6=[2001:db8::1]:80\n",
                                                      "virtual=10.0.0.1:53\n",
                                                      "virtual=10.0.0.2:http\n",
                                                      "\treal=10.0.0.11:80 gate\n",
                                                      "\treal=10.0.0.11->10.0.0.14:8080 masq 5 \"a\", \"b\\\"$x\"\n",
                                                      "\treal6=[2001:db8::11]:80 ipip\n",
                                                      "\treal=10.0.0.12 masq 1 \"<l:5>\" \"<u:9>\"\n",
                                                      "\tchecktype=connect\n",
                                                      "\tchecktype=negotiate\n",
                                                      "\tchecktype=external\n",
                                                      "\tchecktype=off\n",
                                                      "\tchecktype=ping\n",
                                                      "\tchecktype=3\n",
                                                      "\tcheckcommand=\"/bin/true\"\n",
                                                      "\tservice=http\n",
                                                      "\tservice=https\n",
                                                      "\tservice=dns\n",
                                                      "\tservice=http_proxy\n",
                                                      "\tservice=ldap\n",
                                                      "\trequest=\"index.html\"\n",
                                                      "\trequest=\"http://10.0.0.9:81/x y\"\n",
                                                      "\treceive=\"^a\\s~SEQ$b\"\n",
                                                      "\tvirtualhost=\"www.example.com\"\n",
                                                      "\tpersistent=600\n",
                                                      "\tnetmask=255.255.255.0\n",
                                                      "\tnetmask=64\n",
                                                      "\tscheduler=wlc\n",
                                                      "\tprotocol=udp\n",
                                                      "\tcheckport=81\n",
                                                      "\tops=yes\n",
                                                      "\tfallback=127.0.0.1:80\n",
                                                      "\tpasswd=\"s\"\n",
                                                      "fallback=127.0.0.1:80 gate\n",
                                                      "fallbackcommand=/bin/true\n",
                                                      "checkinterval=3\n",
                                                      "failurecount=3\n",
                                                      "quiescent=no\n",
                                                      "emailalert=\"a@example.com, b@example.com\"\n",
                                                      "smtp=10.0.0.5\n",
                                                      "\temailalert=c@example.com\n",
                                                      "\tservicename=W\n",
                                                      "# x\n",
                                                      "nonsense=1\n",
                                                      "\tx",
                                                      "="};
        const bool rules = random() % 2 == 0;
        std::string input = rules ? "r" : "l";
        for (auto pieces = random() % 30; pieces > 0; --pieces) {
            if (rules)
                input += std::string{kRules[random() % std::size(kRules)]} + " ";
            else
                input += kLines[random() % std::size(kLines)];
        }
        return input;
    });
}
#endif
