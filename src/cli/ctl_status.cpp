#include "ctl.hpp"
#include "ctl_client.hpp"
#include "ctl_daemons.hpp"
#include "json_view.hpp"
#include "mainstay/role/common/identity.hpp"
#include "output.hpp"
#include "status_view.hpp"

namespace mainstay::cli {
namespace {

int fail_with(const Error& error, int code) {
    print_error("mainstayctl: " + error.text() + "\n");
    return code;
}

int check(const std::string& socket, const std::vector<std::string>& names) {
    const auto answer = ask_daemon(socket, "/status");
    const auto result =
        answer ? check_status(*answer, names, name_at(socket, role::kRunDirectory)) : check_failed(answer.error());
    print(result.line);
    return result.exit_code;
}

// The daemon's own answer, or the part of it that is wanted.
Result<std::string> status_as_json(const std::string& answer, const StatusOptions& options) {
    if (options.names.empty() && options.section == StatusSection::All) return answer;
    auto status = json_object(answer);
    if (!status) return error_of(status);
    keep_section(*status, options.section);
    if (auto kept = keep_only(*status, options.names); !kept) return error_of(kept);
    return status->dump(1) + "\n";
}

Result<std::string> shown_answer(const std::string& answer, const StatusOptions& options) {
    return options.as_json ? status_as_json(answer, options) : status_tables(answer, options.names, options.section);
}

Result<std::string> shown_status(const std::string& socket, const StatusOptions& options) {
    auto answer = ask_daemon(socket, "/status");
    if (!answer) return answer;
    return shown_answer(*answer, options);
}

std::string text_or_error(const Result<std::string>& shown) {
    return shown ? *shown : "mainstayctl: " + shown.error().text() + "\n";
}

}  // namespace

int ctl_status(const std::string& socket, const StatusOptions& options) {
    if (options.check) return check(socket, options.names);
    if (options.watch) watch([&] { return text_or_error(shown_status(socket, options)); });
    const auto answer = ask_daemon(socket, "/status");
    if (!answer) return fail_with(answer.error(), answer.error().code() == Errc::NotFound ? kNotRunning : 1);
    const auto shown = shown_answer(*answer, options);
    if (!shown) return fail_with(shown.error(), 1);
    options.as_json ? print(*shown) : print_coloured(*shown);
    return 0;
}

int ctl_top(const std::string& socket, std::size_t most, bool again) {
    const auto shown = [&]() -> Result<std::string> {
        const auto answer = ask_daemon(socket, "/status");
        if (!answer) return error_of(answer);
        return busiest(*answer, most);
    };
    if (again) watch([&] { return text_or_error(shown()); });
    const auto text = shown();
    if (!text) return complain(text.error());
    print(*text);
    return 0;
}

}  // namespace mainstay::cli
