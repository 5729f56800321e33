#include "name_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/probe/task.hpp"
#include "role/common/cancel.hpp"

namespace mainstay::role {

namespace {

// A service of each family may have the name: each source has one of its own in logs, status and metrics.
std::string shown_name(const probe::NameQuestion& question) {
    if (question.family != Family::V6) return question.name;
    return question.name + (question.srv ? " (SRV, IPv6)" : " (AAAA)");
}

}  // namespace

struct NameResolver::Name {
    Name(boost::asio::io_context& loop, Log& log, const GuardedSource::Clock& clock, std::function<void()> changed,
         probe::NameQuestion asked)
        : question{std::move(asked)},
          timer{loop},
          source{loop, log, kDnsWords, shown_name(question), clock, std::move(changed)} {}
    probe::NameQuestion question;
    Micros interval{0};
    boost::asio::steady_timer timer;
    std::shared_ptr<probe::Attempt> attempt;  // while it is looked up
    GuardedSource source;
    config::DiscoveryRules rules;       // of all services that have the name
    std::vector<std::string> services;  // their names
    std::size_t left_out = 0;           // as reported last
};

namespace {

constexpr Micros kWaitForTurn{100'000};

probe::NameQuestion question_of(const config::VirtualServer& service, const lvs::NamedServers& named) {
    using Type = lvs::NamedServers::Type;
    return {.name = named.name,
            .srv = named.type == Type::Srv,
            .family = named.type == Type::Srv    ? service.family
                      : named.type == Type::Aaaa ? Family::V6
                                                 : Family::V4,
            .resolvers = named.resolvers,
            .timeout = named.timeout,
            .most = named.most};
}

std::string saved_name(const probe::NameQuestion& question) {
    const bool v6 = question.family == Family::V6;
    return fmt::format("dns\n{}\n{}", question.name, question.srv ? (v6 ? "0 6" : "0") : v6 ? "6" : "4");
}

// The answer is passed through `result`, which keeps its default if an exception is thrown.
boost::asio::awaitable<void> look_up(probe::NameQuestion question, std::shared_ptr<probe::Attempt> attempt,
                                     std::shared_ptr<probe::NameAnswer> result) {
    *result = co_await probe::resolve(std::move(question), std::move(attempt));
}

}  // namespace

NameResolver::NameResolver(boost::asio::io_context& loop, Log& log, GuardedSource::Clock clock,
                           std::function<void()> changed, std::function<void()> answered)
    : loop_{loop}, log_{log}, clock_{std::move(clock)}, changed_{std::move(changed)}, answered_{std::move(answered)} {}

NameResolver::~NameResolver() { stop(); }

void NameResolver::stop() {
    for (auto& [question, name] : names_) {
        cancel_quietly(name->timer);
        if (name->attempt) name->attempt->cancel();
    }
    names_.clear();
}

void NameResolver::recall(const config::Config& config, const lvs::Memory& memory,
                          const ipc::DiscoveredSources& saved) {
    for (const auto& service : config.virtual_servers) {
        const auto found = std::ranges::find(memory, lvs::identity_of(service), &lvs::ServiceMemory::identity);
        for (const auto& named : lvs::named_servers(service)) {
            if (named.file) continue;
            const auto question = question_of(service, named);
            auto crashed =
                found == memory.end() ? std::nullopt : std::optional{lvs::remembered(*found, service, named)};
            if (auto before = servers_before(saved, saved_name(question), std::move(crashed)))
                recalled_[question] = std::move(*before);
        }
    }
}

void NameResolver::follow(const config::Config& config) {
    auto before = std::exchange(names_, {});
    std::vector<std::shared_ptr<Name>> fresh;
    for (const auto& service : config.virtual_servers) {
        for (const auto& named : lvs::named_servers(service)) {
            if (named.file) continue;
            const auto question = question_of(service, named);
            auto& name = names_[question];
            const bool again = name != nullptr;  // also used by another service: the shorter interval applies
            if (const auto old = before.find(question); !again && old != before.end()) name = old->second;
            if (name == nullptr) {
                name = std::make_shared<Name>(loop_, log_, clock_, changed_, question);
                if (const auto known = recalled_.find(question); known != recalled_.end())
                    name->source.recall(known->second);
                fresh.push_back(name);
            }
            if (!again) name->services.clear();
            name->services.push_back(config::service_name(service));
            name->interval = again ? std::min(name->interval, named.interval) : named.interval;
            name->rules = again ? config::strictest(name->rules, named.rules) : named.rules;
        }
    }
    recalled_.clear();
    for (const auto& [question, name] : names_) name->source.set_rules(name->rules);
    for (const auto& name : fresh) arm(name, Micros{0});
    for (const auto& [question, name] : before) {
        if (names_.contains(question)) continue;
        name->timer.cancel();
        if (name->attempt) name->attempt->cancel();
    }
}

const lvs::KnownServers* NameResolver::known(const config::VirtualServer& service,
                                             const lvs::NamedServers& named) const {
    const auto found = names_.find(question_of(service, named));
    return found == names_.end() ? nullptr : &found->second->source.servers();
}

void NameResolver::add_status(std::vector<report::DiscoveredStatus>& list) const {
    for (const auto& [question, name] : names_) list.emplace_back(name->source.status()).services = name->services;
}

void NameResolver::add_saved(std::vector<ipc::DiscoveredSource>& list) const {
    for (const auto& [question, name] : names_) list.push_back(name->source.saved(saved_name(question)));
}

void NameResolver::arm(const std::shared_ptr<Name>& name, Micros pause) {
    name->timer.expires_after(pause);
    name->timer.async_wait(lifetime_.when_due([this, question = name->question] { look(question); }));
}

void NameResolver::look(const probe::NameQuestion& question) {
    const auto found = names_.find(question);
    if (found == names_.end()) return;
    const auto name = found->second;
    if (running_ >= kLookupsMax) return arm(name, kWaitForTurn);
    ++running_;
    name->attempt = std::make_shared<probe::Attempt>(loop_.get_executor());
    auto result = std::make_shared<probe::NameAnswer>();
    result->refused = "the lookup was interrupted";
    probe::spawn(loop_.get_executor(), "lookup of " + question.name, look_up(question, name->attempt, result),
                 lifetime_.guard([this, name, result](const std::string& what, const std::string& thrown) {
                     --running_;
                     name->attempt.reset();
                     if (!thrown.empty()) log_.error("{} failed with an exception: {}", what, thrown);
                     const auto now = names_.find(name->question);
                     if (now == names_.end() || now->second != name) return;
                     answered(name, std::move(*result));
                     answered_();
                 }));
}

void NameResolver::answered(const std::shared_ptr<Name>& name, probe::NameAnswer answer) {
    arm(name, name->interval);
    if (!answer.refused.empty()) return name->source.fail(answer.refused);
    if (std::exchange(name->left_out, answer.left_out) != answer.left_out && answer.left_out != 0) {
        log_.warning("real_server_dns {}: {} more servers than dns_servers_max are left out", name->question.name,
                     answer.left_out);
    }
    lvs::KnownServers known;
    for (const auto& one : answer.servers) known.push_back({one.address, one.port, one.weight});
    if (name->source.answer(std::move(known))) changed_();
}

}  // namespace mainstay::role
