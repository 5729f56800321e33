// mainstayctl server: overrides of single servers.
#include <array>
#include <string_view>

#include "ctl.hpp"
#include "ctl_supervisor.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "output.hpp"

namespace mainstay::cli {

int ctl_servers(const std::string& socket, const ServerOptions& options) {
    using Verb = lvs::ServerCommand::Verb;
    ipc::ServerQuestion question;
    question.which = options.which;
    question.weight = options.weight;
    question.dry_run = options.dry_run;
    question.expire_persistence = options.expire_persistence;
    for (const Verb verb : {Verb::Show, Verb::Drain, Verb::Disable, Verb::Enable, Verb::Weight}) {
        if (lvs::word_of(verb) == options.verb) question.verb = static_cast<std::uint8_t>(verb);
    }
    const auto answer = ask_supervisor(socket, question);
    if (!answer) return complain(answer.error());
    const auto* done = std::get_if<ipc::ServerAnswered>(&answer->message);
    if (done == nullptr) return complain(Error{Errc::Invalid, "mainstayd answered another question"});
    if (!done->problem.empty()) return complain(Error{Errc::Invalid, done->problem});
    const auto text = text_with(*answer);
    if (!text) return complain(text.error());
    print(*text);
    return done->exit_code;
}

}  // namespace mainstay::cli
