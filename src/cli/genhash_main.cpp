// mainstay-genhash: keepalived's genhash, under that name and as `mainstayd --genhash`. It prints the MD5 digest of a
// page, as HTTP_GET and SSL_GET compute it.
#include <fmt/format.h>
#include <getopt.h>

#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/config/keywords.hpp"
#include "mainstay/probe/http_check.hpp"
#include "mainstay/probe/task.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr std::uint16_t kAnyStatusFrom = 100, kAnyStatusTo = 999;
constexpr std::int64_t kLongestPage = std::int64_t{1} << 30;
constexpr const char* kUsage =
    "usage: genhash -s ADDRESS -p PORT -u PATH [-S [-I]] [-V HOST] [-P VERSION] [-m MARK] [-t SECONDS] [-v]\n"
    "\n"
    "Print the MD5 digest of a page, for `digest` in an HTTP_GET or SSL_GET.\n"
    "\n"
    "  -s --server ADDRESS        Connect to this server\n"
    "  -p --port PORT             Connect to this port (default 80, or 443 with -S)\n"
    "  -u --url PATH              Request this path\n"
    "  -S --use-ssl               Connect over TLS\n"
    "  -I --use-sni               Send HOST as the TLS server name\n"
    "  -V --use-virtualhost HOST  Send this Host header (default: the address)\n"
    "  -P --protocol VERSION      Use HTTP 1.0, 1.0c (with Connection: close), 1.1 or 2\n"
    "  -m --fwmark MARK           Set this mark on the packets\n"
    "  -t --timeout SECONDS       Time out after this many seconds (default 5)\n"
    "  -v --verbose               Also print the status and the duration\n";

const option kOptions[] = {
    {"use-ssl", no_argument, nullptr, 'S'},       {"use-sni", no_argument, nullptr, 'I'},
    {"server", required_argument, nullptr, 's'},  {"port", required_argument, nullptr, 'p'},
    {"url", required_argument, nullptr, 'u'},     {"use-virtualhost", required_argument, nullptr, 'V'},
    {"verbose", no_argument, nullptr, 'v'},       {"help", no_argument, nullptr, 'h'},
    {"fwmark", required_argument, nullptr, 'm'},  {"protocol", required_argument, nullptr, 'P'},
    {"timeout", required_argument, nullptr, 't'}, {nullptr, 0, nullptr, 0}};

struct Wanted {
    config::Checker checker;
    bool verbose = false, help = false;
    std::string wrong;
};

std::optional<std::int64_t> number(std::string_view text, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
    return value;
}

void take(Wanted& wanted, int letter, const std::string& argument) {
    auto& checker = wanted.checker;
    const auto in_range = [&](const char* what, std::int64_t least, std::int64_t most) {
        const auto value = number(argument, least, most);
        if (!value) wanted.wrong = fmt::format("{} is {} to {}, got '{}'", what, least, most, argument);
        return value.value_or(0);
    };
    switch (letter) {
        case 's':
            if (const auto address = IpAddress::parse(argument))
                checker.target.address = *address;
            else
                wanted.wrong = fmt::format("'{}' is no IP address", argument);
            break;
        case 'p':
            checker.target.port = static_cast<std::uint16_t>(in_range("the port", 1, 65535));
            break;
        case 'm':
            set_value(checker.more.edit().values, config::keyword::fwmark, in_range("the mark", 0, 4294967295));
            break;
        case 't':
            checker.connect_timeout = Seconds{in_range("the timeout", 1, 4294)};
            break;
        case 'u':
            checker.urls.edit()[0].path = argument;
            break;
        case 'V':
            checker.urls.edit()[0].virtualhost = argument;
            break;
        case 'P':
            checker.http_protocol = argument;
            if (argument != "1.0" && argument != "1.0c" && argument != "1.0C" && argument != "1.1" && argument != "2")
                wanted.wrong = fmt::format("the protocol is 1.0, 1.0c, 1.1 or 2, got '{}'", argument);
            break;
        case 'S':
            checker.type = config::Checker::Type::Ssl;
            break;
        case 'I':
            checker.enable_sni = true;
            break;
        case 'v':
            wanted.verbose = true;
            break;
        case 'h':
            wanted.help = true;
            break;
        default:  // read_options() names it
            break;
    }
}

Wanted read_options(int argc, char** argv) {
    Wanted wanted;
    wanted.checker.type = config::Checker::Type::Http;
    // A digest that no page has, and any status: what comes back is the page's own digest.
    wanted.checker.urls.edit().push_back(
        {.path = {}, .digest = "-", .status_codes = {{kAnyStatusFrom, kAnyStatusTo}}, .virtualhost = {}});
    set_value(wanted.checker.urls.edit()[0].more.edit().values, config::keyword::max_body_length,
              std::int64_t{kLongestPage});
    optind = 1;
    opterr = 0;
    // There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "SIs:p:u:V:vhm:P:t:", kOptions, nullptr)) != -1;)
        if (take(wanted, letter, optarg != nullptr ? optarg : ""); letter == '?' || letter == ':')
            wanted.wrong = fmt::format("{} is no option, or has no value", argv[optind - 1]);
    if (wanted.wrong.empty() && optind < argc) wanted.wrong = fmt::format("{} is not expected", argv[optind]);
    auto& checker = wanted.checker;
    if (checker.target.port == 0) checker.target.port = checker.type == config::Checker::Type::Ssl ? 443 : 80;
    if (wanted.wrong.empty() && checker.target.address.empty()) wanted.wrong = "-s is missing";
    if (wanted.wrong.empty() && checker.urls->front().path.empty()) wanted.wrong = "-u is missing";
    return wanted;
}

boost::asio::awaitable<void> fetch(probe::HttpCheck check, std::shared_ptr<probe::Attempt> attempt,
                                   std::shared_ptr<probe::Finding> found) {
    *found = co_await probe::http_check(std::move(check), std::move(attempt));
}

// Prints the digest on stdout; 0. Without an answer: 1, and why on stderr.
int run_genhash(int argc, char** argv) {
    const Wanted wanted = read_options(argc, argv);
    if (wanted.help) {
        print(kUsage);
        return 0;
    }
    if (!wanted.wrong.empty()) {
        print_error(fmt::format("genhash: {}\n{}", wanted.wrong, kUsage));
        return 1;
    }
    boost::asio::io_context loop;
    probe::Toolbox tools{config::Config{}};
    const auto found = std::make_shared<probe::Finding>();
    probe::spawn(loop.get_executor(), "genhash",
                 fetch(probe::http_check_of(wanted.checker, 0, tools),
                       std::make_shared<probe::Attempt>(loop.get_executor()), found),
                 [found](const std::string&, const std::string& thrown) {
                     if (!thrown.empty()) found->reason = thrown;
                 });
    loop.run();
    if (found->digest.empty()) {
        print_error(fmt::format("genhash: {}: {}\n", wanted.checker.target.to_string(), found->reason));
        return 1;
    }
    if (wanted.verbose) print(fmt::format("{}, {} us\n", found->reason, found->duration.count()));
    print(found->digest + "\n");
    return 0;
}

}  // namespace
}  // namespace mainstay::cli

int main(int argc, char** argv) {
    return mainstay::cli::finish_output("genhash", mainstay::cli::run_genhash(argc, argv), 1);
}
