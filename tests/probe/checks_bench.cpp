// The checks of the lvs role without IPVS: the judge decides which are due, the runner runs them, on one loop. Prints
// what tools/bench-checks.py compares: how late they began, and what each cost.
//
//   checks_bench TYPE COUNT INTERVAL_MS SECONDS PORT
//
// TYPE is TCP_CHECK, HTTP_GET or SSL_GET; the targets are 127.1.0.1 and the addresses after it, one each.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "../kept_log.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/probe/runner.hpp"

using namespace mainstay;

namespace {

constexpr std::size_t kServersOfService = 100;
constexpr std::uint32_t kFirstTarget = 0x7f010001;
constexpr std::size_t kDescriptors = 8192;
constexpr Micros kStartUp{2'000'000};  // warmup: not counted

struct Plan {
    config::Checker::Type type = config::Checker::Type::Tcp;
    std::size_t count = 0;
    Micros interval{0};
    Seconds length{0};
    std::uint16_t port = 0;
};

config::Config configuration(const Plan& plan) {
    config::Config config;
    for (std::size_t n = 0; n < plan.count; ++n) {
        if (n % kServersOfService == 0) {
            auto& service = config.virtual_servers.emplace_back();
            service.endpoint = {IpAddress::v4(0x0a000001 + static_cast<std::uint32_t>(n)), 80};
        }
        auto& server = config.virtual_servers.back().real_servers.emplace_back();
        server.endpoint = {IpAddress::v4(kFirstTarget + static_cast<std::uint32_t>(n)), plan.port};
        auto& checker = server.checkers.emplace_back();
        checker.type = plan.type;
        checker.target = server.endpoint;
        checker.delay_loop = plan.interval;
        checker.warmup = plan.interval;
        checker.connect_timeout = Micros{5'000'000};
        if (plan.type != config::Checker::Type::Tcp)
            checker.urls.edit().push_back(
                {.path = "/", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = "bench"});
    }
    return config;
}

class Bench {
public:
    explicit Bench(const Plan& plan)
        : plan_{plan},
          tools_{configuration(plan)},
          judge_{[this](Micros limit) {
              return Micros{std::uniform_int_distribution<std::int64_t>{0, limit.count()}(random_)};
          }},
          runner_{loop_, log_,
                  [this](std::uint64_t check, probe::Finding finding) { done(check, std::move(finding)); }},
          timer_{loop_} {}

    void run() {
        began_ = now();
        act(judge_.start(configuration(plan_), {}, {now(), {}}));
        loop_.run_until(began_ + kStartUp + plan_.length);
        report();
    }

private:
    static Instant now() { return std::chrono::steady_clock::now(); }
    [[nodiscard]] bool counts() const { return now() - began_ >= kStartUp; }

    void act(const lvs::Intents& intents) {
        for (const auto& intent : intents) {
            const auto* start = std::get_if<lvs::StartCheck>(&intent);
            if (start == nullptr) continue;
            const auto place = judge_.place(start->checker);
            const auto& state = judge_.states()[place->service].servers[place->server].checkers[place->checker];
            if (counts()) late_.push_back(std::chrono::duration_cast<Micros>(now() - state.due));
            runner_.start(start->checker, *probe::probe_of(*judge_.checker(start->checker), state.url, tools_));
        }
        arm();
    }

    void done(std::uint64_t check, probe::Finding finding) {
        if (counts()) {
            if (cpu_began_ == 0) cpu_began_ = cpu();
            ++results_;
            if (finding.outcome != lvs::Outcome::Passed) ++wrong_[finding.reason];
        }
        act(judge_.step(
            lvs::CheckFinished{
                .checker = check, .outcome = finding.outcome, .reason = finding.reason, .duration = finding.duration},
            {now(), {}}));
    }

    void arm() {
        const auto deadline = judge_.deadline();
        if (!deadline || (armed_ && *armed_ <= *deadline)) return;
        armed_ = deadline;
        timer_.expires_at(*deadline);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            armed_.reset();
            act(judge_.step(lvs::DeadlineReached{}, {now(), {}}));
        });
    }

    static double cpu() {
        rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    }

    void report() {
        std::ranges::sort(late_);
        const auto at = [&](double share) {
            if (late_.empty()) return 0.0;
            const auto index = static_cast<std::size_t>(share * static_cast<double>(late_.size() - 1));
            return static_cast<double>(late_[index].count()) / 1000;
        };
        const double spent = cpu() - cpu_began_;
        std::size_t failed = 0;
        for (const auto& [reason, count] : wrong_) failed += count;
        fmt::print(
            "{{\"checks\": {}, \"per_second\": {:.0f}, \"failed\": {}, \"late_ms\": {{\"p50\": {:.2f}, \"p99\": "
            "{:.2f}, \"max\": {:.2f}}}, \"cpu_share\": {:.3f}, \"cpu_us_per_check\": {:.1f}}}\n",
            results_, static_cast<double>(results_) / static_cast<double>(plan_.length.count()), failed, at(0.5),
            at(0.99), at(1), spent / static_cast<double>(plan_.length.count()),
            results_ == 0 ? 0 : spent * 1e6 / static_cast<double>(results_));
        for (const auto& [reason, count] : wrong_) fmt::print(stderr, "{} checks: {}\n", count, reason);
    }

    Plan plan_;
    boost::asio::io_context loop_;
    mainstay::test::SilentLog log_;
    std::mt19937_64 random_{1};
    probe::Toolbox tools_;
    lvs::Judge judge_;
    probe::Runner runner_;
    boost::asio::steady_timer timer_;
    std::optional<Instant> armed_;
    Instant began_;
    double cpu_began_ = 0;
    std::vector<Micros> late_;
    std::unordered_map<std::string, std::size_t> wrong_;
    std::size_t results_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        fmt::print(stderr, "usage: checks_bench TYPE COUNT INTERVAL_MS SECONDS PORT\n");
        return 2;
    }
    using Type = config::Checker::Type;
    const std::string type = argv[1];
    const Plan plan{.type = type == "SSL_GET"    ? Type::Ssl
                            : type == "HTTP_GET" ? Type::Http
                                                 : Type::Tcp,
                    .count = static_cast<std::size_t>(std::atoi(argv[2])),
                    .interval = Micros{std::int64_t{std::atoi(argv[3])} * 1000},
                    .length = Seconds{std::atoi(argv[4])},
                    .port = static_cast<std::uint16_t>(std::atoi(argv[5]))};
    const rlimit descriptors{kDescriptors, kDescriptors};
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    Bench bench{plan};
    bench.run();
    return 0;
}
