// What operators read of a file, word by word, and what becomes of it: cases/*.txt.
//
// A case is `==== what it shows`, the text of a file, `----`, and what is to be said of it: the diagnostics, the
// exit code and the model. `==== [x.toml]` at its beginning names the file. `7:3+5` is line 7, five characters from the
// third on. In pairs/*.txt the text is two files, with `++++` between them, and the findings of their comparison
// follow. In mistakes/*.txt the text is the name of a sound file (tests/data/sound) and one mistake in it: `7 |` and
// what line 7 is instead, `7 -` without it, `7 +` and a line before it. After a change, and a review of what it makes
// of the cases: MAINSTAY_WRITE_CASES=1 build/tests/config/config_cases_test
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "mainstay/config/tools/pair.hpp"
#include "model_text.hpp"
#include "samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

struct Case {
    std::string title, text, said;
};

std::vector<Case> cases_in(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::vector<Case> cases;
    std::string* to = nullptr;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("==== ")) {
            cases.push_back({line.substr(5), {}, {}});
            to = &cases.back().text;
        } else if (line == "----" && to != nullptr) {
            to = &cases.back().said;
        } else if (to != nullptr) {
            *to += line + "\n";
        }
    }
    for (Case& one : cases) one.said.erase(one.said.find_last_not_of('\n') + 1);
    return cases;
}

Environment director() {
    Environment environment = host();
    environment.subnets = [] {
        return std::vector<Environment::Subnet>{{"eth0", Prefix::parse("10.9.9.1/24").value()},
                                                {"eth0", Prefix::parse("2001:db8::1/64").value()}};
    };
    environment.variable = [](std::string_view name) { return name == "SITE" ? std::string{"north"} : std::string{}; };
    environment.random = [] { return std::uint64_t{7}; };
    environment.network_namespace_exists = [](std::string_view name) { return name == "blue"; };
    environment.pattern_problem = [](const HttpUrl& url) {
        const auto words = value_of<WordList>(url.more->values, KeywordName{"regex"});
        return words && words->front() == "(" ? std::string{"missing closing parenthesis"} : std::string{};
    };
    return environment;
}

std::string diagnostics_of(const Loaded& loaded) {
    std::string out;
    const auto lines = lines_of(loaded);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const Diagnostic& d = loaded.diagnostics[i];
        out += fmt::format("{}:{}+{}{}", d.place.line, d.place.column, d.place.length,
                           lines[i].substr(lines[i].find(' ')));
        for (const auto& [what, words] : {std::pair{"expected", &d.expected}, {"effect", &d.effect}, {"fix", &d.fix}})
            if (!words->empty()) out += fmt::format(" | {}: {}", what, *words);
        out += "\n";
    }
    return out;
}

std::string exit_of(const Loaded& loaded) {
    return fmt::format("exit {}{}\n", loaded.exit_code(), loaded.can_run() ? "" : ", cannot run");
}

std::string reported_of(const Case& one) {
    const auto end = one.title.starts_with('[') ? one.title.find(']') : std::string::npos;
    const std::string name = end == std::string::npos ? "ha.conf" : one.title.substr(1, end - 1);
    const Loaded loaded = load_text(name, one.text, director());
    std::string out = diagnostics_of(loaded);
    for (const Lost& lost : loaded.lost) out += fmt::format("lost: {}\n", describe(lost));
    out += exit_of(loaded) + model_text(loaded.config);
    out.erase(out.find_last_not_of('\n') + 1);
    return out;
}

// The sound file that the first line names, with the changes that follow.
std::string mistaken(const std::string& changes) {
    std::istringstream lines{changes};
    std::string name, line;
    std::getline(lines, name);
    std::map<std::size_t, std::pair<std::string, std::optional<std::string>>> changed;  // before a line, instead of it
    while (std::getline(lines, line)) {
        const std::size_t sign = line.find(' ') + 1;
        auto& [before, instead] = changed[std::stoul(line)];
        if (line.at(sign) == '+')
            before += line.substr(sign + 1) + "\n";
        else
            instead = line.at(sign) == '-' ? "" : line.substr(sign + 1) + "\n";
    }
    std::ifstream sound{std::string{MAINSTAY_TEST_SOUND} + "/" + name + ".conf"};
    REQUIRE(sound);
    std::string text;
    std::size_t number = 1;
    for (; std::getline(sound, line); ++number) {
        const auto& [before, instead] = changed[number];
        text += before + instead.value_or(line + "\n");
    }
    return text + changed[number].first;
}

std::string said_of_a_mistake(const Case& one) {
    const Loaded loaded = load_text("ha.conf", mistaken(one.text), director());
    std::string out = diagnostics_of(loaded) + exit_of(loaded);
    out.pop_back();
    return out;
}

std::string compared_in(const Case& one) {
    const std::size_t middle = one.text.find("++++\n");
    const Loaded first = load_text("a.conf", one.text.substr(0, middle), director());
    const Loaded second = load_text("b.conf", one.text.substr(middle + 5), director());
    std::string out;
    for (const Loaded* loaded : {&first, &second})
        if (!loaded->can_run()) out += "cannot run: " + reported_of({one.title, loaded->files[0].text, {}}) + "\n";
    const PairNames names{"A", "B"};
    for (const PairFinding& finding : compare_pair(first.config, second.config, names))
        out += render(finding, names, false);
    out.erase(out.find_last_not_of('\n') + 1);
    return out.empty() ? "nothing" : out;
}

void check_folder(const char* folder, std::size_t least, std::string (*reported)(const Case&)) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) paths.push_back(entry.path());
    std::ranges::sort(paths);
    REQUIRE(paths.size() >= least);
    const bool write = std::getenv("MAINSTAY_WRITE_CASES") != nullptr;
    for (const auto& path : paths) {
        std::string written;
        for (const Case& one : cases_in(path)) {
            CAPTURE(path.filename().string());
            CAPTURE(one.title);
            const std::string said = reported(one);
            written += fmt::format("==== {}\n{}----\n{}\n\n", one.title, one.text, said);
            if (!write) CHECK(said == one.said);
        }
        if (write) std::ofstream{path} << written;
    }
}

}  // namespace

TEST_CASE("each of the cases gives the diagnostics, the exit code and the model that were reviewed") {
    check_folder(MAINSTAY_TEST_CASES, 20, reported_of);
}

TEST_CASE("each of the usual mistakes gives one message, which was reviewed") {
    check_folder(MAINSTAY_TEST_MISTAKES, 2, said_of_a_mistake);
}

TEST_CASE("each of the pairs gives the findings that were reviewed") {
    check_folder(MAINSTAY_TEST_PAIRS, 1, compared_in);
}
