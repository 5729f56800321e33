// Every slip of the record, one by one: keepalived's exit code, and what is wrong is named at its line.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "../folder.hpp"
#include "probes.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

std::vector<Probe> all_probes() {
    std::vector<Probe> all = structure_probes();
    for (const auto& more : {instance_probes(), script_probes(), service_probes()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

Loaded load_probe(const Probe& probe) {
    Environment environment = host();
    if (probe.every_interface_exists) environment.interface_called = nullptr;
    environment.host_resolves = [](std::string_view) { return false; };
    const Folder folder;
    return load_file(folder.put("ha.conf", probe.text), environment);
}

std::string reported(const Loaded& loaded) {
    constexpr const char* kNames[] = {"note", "warning", "error", "fatal"};
    std::string out;
    for (const Diagnostic& d : loaded.diagnostics)
        out += fmt::format("{}{} {} MS{:04}", out.empty() ? "" : ", ", d.place.line,
                           kNames[static_cast<std::size_t>(d.severity)], d.code);
    return out;
}

int expected(const Probe& probe) { return probe.other_exit_code >= 0 ? probe.other_exit_code : probe.exit_code; }

std::string text_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The name in a line of the record: up to the first two blanks, and at most 45 characters long.
std::string slip_in(std::string_view line) {
    constexpr std::size_t kMostCharacters = 45;
    std::size_t characters = 0, end = 0;
    for (; end < line.size() && !line.substr(end).starts_with("  "); ++end)
        if ((static_cast<unsigned char>(line[end]) & 0xC0) != 0x80 && ++characters > kMostCharacters) break;
    while (end > 0 && line[end - 1] == ' ') --end;
    return std::string{line.substr(0, end)};
}

}  // namespace

TEST_CASE("each slip gives keepalived's exit code, and its cause is named at its line") {
    for (const Probe& probe : all_probes()) {
        CAPTURE(probe.slip);
        const Loaded loaded = load_probe(probe);
        CHECK(loaded.exit_code() == expected(probe));
        CHECK(reported(loaded) == probe.reported);
    }
}

TEST_CASE("what keepalived answers with anything but 0 is never passed over in silence") {
    for (const Probe& probe : all_probes()) {
        CAPTURE(probe.slip);
        if (probe.exit_code != 0) CHECK_FALSE(load_probe(probe).diagnostics.empty());
    }
}

TEST_CASE("each slip with another exit code than keepalived's is argued in the documentation") {
    const std::string page = text_of(MAINSTAY_DOCS "/compatibility.md");
    for (const Probe& probe : all_probes()) {
        CAPTURE(probe.slip);
        if (probe.other_exit_code >= 0) CHECK(page.contains(fmt::format("`{}`", probe.slip)));
    }
}

TEST_CASE("every line of the record is covered, with the exit code that it names") {
    const std::filesystem::path record{MAINSTAY_SHARED "/compat/probes.txt"};
    if (!std::filesystem::exists(record)) {
        MESSAGE("there is no " << record.string() << ": passed over");
        return;
    }
    std::set<std::string> covered;
    for (const Probe& probe : all_probes()) covered.insert(fmt::format("{} {}", probe.exit_code, probe.slip));
    std::set<std::string> unused = covered;
    std::size_t count = 0;
    std::ifstream in{record};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        ++count;
        const std::string key =
            fmt::format("{} {}", std::atoi(line.c_str()), slip_in(line.substr(line.find("  ") + 2)));
        CAPTURE(key);
        CHECK(covered.contains(key));
        unused.erase(key);
    }
    CHECK(count == 225);
    CHECK(unused == std::set<std::string>{});
}
