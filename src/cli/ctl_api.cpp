// mainstayctl api credential: a new credential of the API.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <string>

#include "ctl.hpp"
#include "mainstay/role/common/credential_hash.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr int kRefused = 2;
constexpr std::size_t kPasswordBytesMin = 12;

std::string last_day(unsigned days) {
    const auto until =
        std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) + std::chrono::days{days};
    const std::chrono::year_month_day date{until};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

int refuse(const std::string& why) {
    print_error("mainstayctl: " + why + "\n");
    return kRefused;
}

}  // namespace

int ctl_api_credential(const CredentialOptions& options) {
    // As a line it would be another name and a wrong role.
    if (options.name.find_first_of(" \t\r\n") != std::string::npos)
        return refuse("a name has 1 to 64 letters, digits, '.', '_' and '-'");
    std::string token, password;
    if (options.password) {
        if (!std::getline(std::cin, password) || password.size() < kPasswordBytesMin)
            return refuse(
                fmt::format("the first line of the input is the password, of at least {} bytes", kPasswordBytesMin));
    } else {
        auto made = role::random_token();
        if (!made) return refuse(made.error().text());
        token = std::move(*made);
    }
    const auto hash = options.password ? role::hash_of_password(password) : role::hash_of_token(token);
    if (!hash) return refuse(hash.error().text());
    std::string line = fmt::format("{} {} {}", options.name, options.role, *hash);
    if (options.days != 0) line += " until=" + last_day(options.days);
    if (const auto read = wire::credentials_file(line); !read.problems.empty()) return refuse(read.problems.front());
    if (!token.empty()) print_error("token, shown this once: " + token + "\nline for the file of [api] credentials:\n");
    print(line + "\n");
    return 0;
}

}  // namespace mainstay::cli
