// `mainstayctl config`: the commands that check, explain, compare and convert configuration files.
#include <memory>

#include "ctl.hpp"
#include "ctl_commands.hpp"

namespace mainstay::cli {
namespace {

void add_check(CLI::App& config, Chosen& chosen) {
    struct Options {
        std::vector<std::string> files;
        CheckOptions check;
    };
    const auto options = std::make_shared<Options>();
    auto* check = config.add_subcommand("check", "Show every diagnostic; exit 0 clean, 1 warnings, 2 errors");
    check->add_option("FILE", options->files, "Read these configuration files")->required();
    check->add_flag("--json", options->check.as_json, "Print the diagnostics as one JSON array");
    check->add_flag("--strict", options->check.strict, "Treat warnings as errors");
    check->add_option("-i,--config-id", options->check.config_id,
                      "Compare @id lines with this name (default: the host name)");
    runs_alone(*check, chosen, options,
               [](const Options& given) { return ctl_config_check(given.files, given.check); });
}

void add_explain(CLI::App& config, Chosen& chosen) {
    const auto keywords = std::make_shared<std::vector<std::string>>();
    auto* explain = config.add_subcommand("explain", "Explain what a keyword means, takes and does");
    explain->add_option("KEYWORD", *keywords,
                        "Explain this keyword, or one of a block: TCP_CHECK/retry; without it, list all");
    runs_alone(*explain, chosen, keywords, ctl_config_explain);
}

void add_reference(CLI::App& config, Chosen& chosen) {
    struct Options {
        std::string head;
        ReferenceForm form = ReferenceForm::Markdown;
    };
    const auto options = std::make_shared<Options>();
    auto* reference = config.add_subcommand("reference", "Print the reference of all keywords");
    const auto form = [&](const char* name, ReferenceForm which, const char* help) {
        return reference->add_flag_callback(name, [options, which] { options->form = which; }, help);
    };
    auto* markdown = form("--markdown", ReferenceForm::Markdown, "Print Markdown tables (default)");
    auto* man = form("--man", ReferenceForm::Man, "Print the keyword part of mainstay.conf(5)")->excludes(markdown);
    form("--toml-man", ReferenceForm::TomlMan, "Print the keyword part of mainstay.toml(5)")
        ->excludes(markdown)
        ->excludes(man);
    form("--list", ReferenceForm::List, "Print one line for each keyword, for programs")
        ->excludes(markdown)
        ->excludes(man);
    reference->add_option("--head", options->head, "Print this file first");
    runs_alone(*reference, chosen, options,
               [](const Options& given) { return ctl_config_reference(given.form, given.head); });
}

// Commands of one file.
void add_one(CLI::App& config, Chosen& chosen, const char* name, const char* help, const char* of_file,
             int (*what)(const std::string& file)) {
    const auto file = std::make_shared<std::string>();
    auto* command = config.add_subcommand(name, help);
    command->add_option("FILE", *file, of_file)->required();
    runs_alone(*command, chosen, file, what);
}

void add_convert(CLI::App& config, Chosen& chosen) {
    struct Options {
        std::string file, config_id;
    };
    const auto options = std::make_shared<Options>();
    auto* convert =
        config.add_subcommand("convert", "Convert a keepalived.conf to TOML, a .toml file to keepalived.conf");
    convert->add_option("FILE", options->file, "Read this keepalived.conf, or a file whose name ends in .toml")
        ->required();
    convert->add_option("-i,--config-id", options->config_id, "Take @ID lines of this id instead of this host's");
    runs_alone(*convert, chosen, options,
               [](const Options& given) { return ctl_config_convert(given.file, given.config_id); });
}

void add_pair(CLI::App& config, Chosen& chosen) {
    struct Options {
        std::string first, second;
        std::vector<std::string> ids;
    };
    const auto options = std::make_shared<Options>();
    auto* pair =
        config.add_subcommand("pair", "Compare the files of two directors; exit 0 clean, 1 warnings, 2 errors");
    pair->add_option("A", options->first, "Read one director's file")->required();
    pair->add_option("B", options->second, "Read the other director's file")->required();
    pair->add_option("--ids", options->ids, "Take the @ID lines of this id in A, and of that one in B")
        ->delimiter(',')
        ->expected(2);
    runs_alone(*pair, chosen, options,
               [](const Options& given) { return ctl_config_pair(given.first, given.second, given.ids); });
}

void add_schema(CLI::App& config, Chosen& chosen) {
    auto* schema = config.add_subcommand("schema", "Print the JSON Schema that editors use for the TOML form");
    schema->add_flag("--json")->description("Print JSON (the only form)");
    schema->callback([&chosen] { chosen.alone = ctl_config_schema; });
}

void add_diff(CLI::App& config, Chosen& chosen) {
    struct Options {
        std::string before, after, config_id;
        bool as_json = false;
    };
    const auto options = std::make_shared<Options>();
    auto* diff = config.add_subcommand(
        "diff", "Show what a reload from RUNNING to NEW would change; exit 0 nothing, 1 something, 2 error");
    diff->add_option("RUNNING", options->before, "Read the running configuration from this file")->required();
    diff->add_option("NEW", options->after, "Read the new configuration from this file")->required();
    diff->add_option("-i,--config-id", options->config_id, "Take @ID lines of this id instead of this host's");
    diff->add_flag("--json", options->as_json, "Print the changes as JSON");
    runs_alone(*diff, chosen, options, [](const Options& given) {
        return ctl_config_diff(given.before, given.after, given.config_id, given.as_json);
    });
}

}  // namespace

void add_config_commands(CLI::App& app, Chosen& chosen) {
    auto* config = app.add_subcommand("config", "Check, explain, compare and convert configuration files");
    config->require_subcommand(1);
    add_check(*config, chosen);
    add_explain(*config, chosen);
    add_reference(*config, chosen);
    add_pair(*config, chosen);
    add_one(*config, chosen, "print", "Print a file in canonical form; comments and includes are kept",
            "Read this configuration file", ctl_config_print);
    add_convert(*config, chosen);
    add_schema(*config, chosen);
    add_diff(*config, chosen);
}

}  // namespace mainstay::cli
