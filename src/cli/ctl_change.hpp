// The commands of mainstayctl that change what the daemon does with servers, mails, webhooks and its log: their
// options, and which of them was given.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "ctl.hpp"

namespace mainstay::cli {

class ChangeCommands {
public:
    explicit ChangeCommands(CLI::App& app);
    // The exit code of the one that was given; none: another command was.
    [[nodiscard]] std::optional<int> run(const std::string& socket);

private:
    void add_servers(CLI::App& app);
    CLI::App* add_server_verb(const char* name, const char* help);
    CLI::App* add_override(const char* name, const char* help);
    void add_wait(CLI::App& verb);
    struct QueueWords {  // help texts
        const char *things, *queue, *retry, *drop, *test, *to, *to_whom;
    };
    static CLI::App* add_queue(CLI::App& app, const char* name, const char* help, MailOptions& options,
                               const QueueWords& words);
    void add_mail(CLI::App& app);  // and webhooks

    ServerOptions servers_;
    MailOptions mail_options_, webhook_options_;
    std::vector<std::string> log_level_words_;
    CLI::App *server_ = nullptr, *mail_ = nullptr, *webhook_ = nullptr, *log_level_ = nullptr;
};

}  // namespace mainstay::cli
