// Configuration text from anywhere: reading it never goes wrong, every message points into the text, reading it again
// gives the same, and its canonical form and its other language mean the same.
//
// The first byte chooses how the rest is read, if it is one of the control characters below; without one the input is
// a plain keepalived.conf, so that every such file is a seed as it is:
//   01  mainstay.toml: the daemon's own settings, and a director's configuration
//   02  several files on disk, separated by lines of "%%": top.conf, b.conf, c.conf ...; '/' is written '_' first
//   03  nothing is known about the host, and every include is a checked one
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <source_location>
#include <string>
#include <string_view>

#include "mainstay/config/load.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/config/tools/print.hpp"
#include "mainstay/config/webhook.hpp"
#include "replay.hpp"

using namespace mainstay;

namespace {

constexpr char kToml = 1, kSeveral = 2, kUnknownHost = 3;
constexpr std::size_t kMostFiles = 8;
constexpr std::size_t kReadTwiceEvery = 8;  // bytes of length: the comparison costs as much as all the rest
constexpr std::string_view kSeparator = "\n%%\n";

void require(bool holds, std::source_location place = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: does not hold\n", place.file_name(), static_cast<unsigned>(place.line()));
    std::abort();
}

config::Environment environment(bool knows) {
    config::Environment environment;
    environment.host_name = "lb1.example.com";
    environment.all_include_checks = !knows;
    environment.random = [] { return std::uint64_t{7}; };
    environment.variable = [](std::string_view name) { return std::string{name}; };
    if (!knows) return environment;
    environment.config_id = "lb2";
    environment.interface_called = [](std::string_view name) { return std::string{name == "eth0" ? name : ""}; };
    environment.account_exists = [](std::string_view user, std::string_view) { return user == "root"; };
    environment.script_facts = [](const config::Command& command, const config::Global&) {
        const bool found = !command.empty() && command.argv[0].starts_with("/usr");
        return config::Environment::ScriptFacts{found, found, !found, "/usr/bin/true"};
    };
    environment.network_namespace_exists = [](std::string_view name) { return name == "a"; };
    environment.subnets = [] {
        return std::vector<config::Environment::Subnet>{{"eth0", Prefix::parse("10.0.0.0/24").value()}};
    };
    return environment;
}

void check_messages(const config::Loaded& loaded) {
    for (const auto& diagnostic : loaded.diagnostics) {
        const auto file = diagnostic.place.file;
        require(file < loaded.files.size());
        const auto lines = static_cast<std::size_t>(std::ranges::count(loaded.files[file].text, '\n')) + 1;
        require(diagnostic.place.line <= lines + 1);
        require(!diagnostic.message.empty());
        require(!config::render(diagnostic, loaded, true).empty());
        require(!config::render_line(diagnostic, loaded).empty());
    }
    require(loaded.exit_code() >= 0 && loaded.exit_code() <= 6);
}

bool is_sound(const config::Loaded& loaded) {
    return std::ranges::none_of(loaded.diagnostics,
                                [](const auto& d) { return d.severity > config::Severity::Warning; });
}

config::Loaded try_loading(const std::string& name, const std::string& text, const config::Environment& environment) {
    auto loaded = config::load_text(name, text, environment);
    check_messages(loaded);
    if (text.size() % kReadTwiceEvery == 0) {
        const auto again = config::load_text(name, text, environment);
        require(again.diagnostics == loaded.diagnostics);
        require(again.config == loaded.config);
    }
    return loaded;
}

void try_text(const std::string& text, const config::Environment& environment) {
    const auto loaded = try_loading("fuzz.conf", text, environment);
    const std::string printed = config::print(text);
    require(config::print(printed) == printed);
    // Where nothing was wrong, nothing may change; of a damaged text the shape alone is kept.
    if (!is_sound(loaded)) return;
    require(config::load_text("fuzz.conf", printed, environment).config == loaded.config);
    auto snapshot = config::resolve({{"fuzz.conf", text}}, environment, false);
    const auto toml = config::to_toml(snapshot);
    if (toml.lost.empty()) require(config::load_text("fuzz.toml", toml.text, environment).config == loaded.config);
}

void try_toml(const std::string& text, const config::Environment& environment) {
    const auto settings = config::read_settings(text, "fuzz.toml");
    require(config::read_settings(text, "fuzz.toml").settings == settings.settings);
    if (const auto headers = config::webhook_headers(text))
        for (const auto& line : *headers) require(line.find_first_of("\r\n") == std::string::npos);
    require(!text.empty() || config::toml_has_director(text) == false);
    const auto loaded = try_loading("fuzz.toml", text, environment);
    const auto conf = config::to_conf({"fuzz.toml", text});
    if (!is_sound(loaded) || !conf.lost.empty()) return;
    require(config::load_text("fuzz.conf", conf.text, environment).config == loaded.config);
}

// A folder of this process's own, in memory where there is such a place; gone with the process.
class Folder {
public:
    Folder() {
        const bool memory = std::filesystem::is_directory("/dev/shm");
        std::string name = (memory ? "/dev/shm/" : "/tmp/") + std::string{"mainstay-fuzz-XXXXXX"};
        require(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string write(char name, std::string_view text) const {
        const auto path = path_ / (name == 'a' ? std::string{"top.conf"} : std::string{name} + ".conf");
        std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
        return path;
    }
    void remove(char name) const {
        std::error_code ignored;
        std::filesystem::remove(path_ / (std::string{name} + ".conf"), ignored);
    }

private:
    std::filesystem::path path_;
};

void try_files(std::string text) {
    static const Folder folder;
    std::ranges::replace(text, '/', '_');  // nothing outside the folder can be named
    std::string_view rest = text;
    std::string top;
    char name = 'a';
    for (std::size_t count = 0; count < kMostFiles && (count == 0 || !rest.empty()); ++count, ++name) {
        const std::size_t end = rest.find(kSeparator);
        const std::string path = folder.write(name, rest.substr(0, end));
        if (count == 0) top = path;
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + kSeparator.size());
    }
    for (; name < static_cast<char>('a' + kMostFiles); ++name) folder.remove(name);
    const auto loaded = config::load_file(top, environment(true));
    check_messages(loaded);
    require(config::load_file(top, environment(true)).config == loaded.config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const char mode = input.empty() || input[0] > kUnknownHost ? '\0' : input[0];
    std::string text{input.substr(mode == '\0' ? 0 : 1)};
    if (mode == kToml) {
        try_toml(text, environment(true));
    } else if (mode == kSeveral) {
        try_files(std::move(text));
    } else {
        try_text(text, environment(mode != kUnknownHost));
    }
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
namespace {

// Put together at random, they make nearly right configurations.
constexpr std::array kPieces = std::to_array<std::string_view>({"$A=",
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
                                                                "\xFF"});
constexpr int kRounds = 4'000;

std::string nearly_right(std::mt19937& random) {
    std::string text;
    for (std::size_t pieces = random() % 40; pieces > 0; --pieces) text += kPieces.at(random() % kPieces.size());
    for (std::size_t slips = text.empty() ? 0 : random() % 3; slips > 0; --slips)
        text[random() % text.size()] = static_cast<char>(random());
    return text;
}

}  // namespace

int main(int argc, char** argv) { return fuzz::replay(argc, argv, kRounds, nearly_right); }
#endif
