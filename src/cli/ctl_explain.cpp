// mainstayctl config explain, config reference, config schema.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "ctl.hpp"
#include "output.hpp"
#include "reference.hpp"
#include "toml_reference.hpp"

namespace mainstay::cli {
namespace {

constexpr int kUnknownKeyword = 2;

}  // namespace

int ctl_config_explain(const std::vector<std::string>& keywords) {
    if (keywords.empty()) {
        for (const auto name : all_keywords()) print(std::string{name} + "\n");
        return 0;
    }
    int exit_code = 0;
    bool first = true;
    for (const auto& keyword : keywords) {
        if (const auto text = explain(keyword)) {
            print((first ? "" : "\n") + *text);
            first = false;
            continue;
        }
        exit_code = kUnknownKeyword;
        const std::string near{nearest_of_all(keyword)};
        print_error(fmt::format("mainstayctl: there is no keyword {}{}\n", keyword,
                                near.empty() ? "" : "; did you mean " + near + "?"));
    }
    return exit_code;
}

int ctl_config_reference(ReferenceForm form, const std::string& head) {
    if (!head.empty()) {
        std::ifstream file{head};
        if (!file) {
            print_error("mainstayctl: cannot read " + head + "\n");
            return 1;
        }
        print(std::string{std::istreambuf_iterator<char>{file}, {}});
    }
    switch (form) {
        case ReferenceForm::Markdown:
            print(reference_markdown());
            break;
        case ReferenceForm::Man:
            print(reference_roff());
            break;
        case ReferenceForm::List:
            print(reference_list());
            break;
        case ReferenceForm::TomlMan:
            print(toml_reference_roff());
            break;
    }
    return 0;
}

int ctl_config_schema() {
    print(toml_json_schema());
    return 0;
}

}  // namespace mainstay::cli
