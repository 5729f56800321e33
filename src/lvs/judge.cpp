#include "mainstay/lvs/judge.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "judge_impl.hpp"
#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {

std::string_view keyword_of(config::Checker::Type type) {
    static constexpr std::array<std::string_view, 12> kKeywords{"TCP_CHECK",  "HTTP_GET",  "SSL_GET",    "SMTP_CHECK",
                                                                "DNS_CHECK",  "UDP_CHECK", "PING_CHECK", "MISC_CHECK",
                                                                "FILE_CHECK", "BFD_CHECK", "GRPC_CHECK", "AGENT_CHECK"};
    const auto index = static_cast<std::size_t>(type);
    return index < kKeywords.size() ? kKeywords[index] : "unknown check";
}

Judge::Judge(Random random) : impl_{std::make_unique<Impl>(std::move(random))} {}
Judge::Judge(const Judge& other) : impl_{std::make_unique<Impl>(*other.impl_)} {}
Judge& Judge::operator=(const Judge& other) {
    if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
    return *this;
}
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;
Judge::~Judge() = default;

void Judge::start(config::Config config, const Memory& memory, Moment at, Overrides overrides, const Opening& opening,
                  HostAddresses host) {
    impl_->start(std::move(config), memory, at, std::move(overrides), opening, std::move(host));
}

Intents Judge::start(config::Config config, const Memory& memory, Moment at, Overrides overrides, HostAddresses host) {
    Intents all;
    const auto collect = [&all](const Intents& some) { all.insert(all.end(), some.begin(), some.end()); };
    impl_->start(std::move(config), memory, at, std::move(overrides), {.settled = {}, .report = collect},
                 std::move(host));
    return all;
}

Intents Judge::step(const Fact& fact, Moment at) { return impl_->step(fact, at); }

Intents Judge::command(const ServerCommand& command, Moment at, ServerAnswer& answer) {
    return impl_->command(command, at, answer);
}

Intents Judge::reload(config::Config next, Moment at, HostAddresses host) {
    return impl_->reload(std::move(next), at, std::move(host));
}

std::optional<AcceptedChanges> Judge::accept(std::vector<config::ServiceChange> changes) const {
    if (!impl_->accepts(changes)) return std::nullopt;
    return AcceptedChanges{std::move(changes)};
}

Intents Judge::reload(AcceptedChanges changes, Moment at) { return impl_->reload(std::move(changes.list_), at); }

Intents Judge::stop(bool keep, Moment) { return impl_->stop(keep); }

std::optional<Instant> Judge::deadline() const { return impl_->deadline(); }

const config::Global& Judge::global() const { return impl_->services().global; }

const std::vector<config::VirtualServer>& Judge::services() const { return impl_->services().configs; }

const std::vector<ServiceState>& Judge::states() const { return impl_->services().states; }

std::uint64_t Judge::lines_left_out() const { return impl_->budget().left_out(); }

std::optional<Instant> Judge::oldest_running_check() const {
    std::optional<Instant> oldest;
    for (const auto& service : states())
        for (const auto& server : service.servers)
            for (const auto& check : server.checkers)
                if (check.running && (!oldest || check.due < *oldest)) oldest = check.due;
    return oldest;
}

const Overrides& Judge::overrides() const { return impl_->overrides().all(); }

std::optional<Override> Judge::override_of(std::size_t service, std::size_t server) const {
    return impl_->overrides().of(impl_->services(), {service, server});
}

bool Judge::expires_persistence() const { return impl_->overrides().expires_persistence(impl_->services()); }

const config::Checker* Judge::checker(CheckerId id) const {
    const auto found = place(id);
    return found ? &impl_->services().checker_at(*found) : nullptr;
}

std::optional<CheckerRef> Judge::place(CheckerId id) const { return impl_->services().checkers.find(id); }

std::vector<CheckerId> Judge::followers(config::Checker::Type type, std::string_view name) const {
    const Services& all = impl_->services();
    std::vector<CheckerId> found;
    for (std::size_t i = 0; i < all.checkers.size(); ++i) {
        const auto& checker = all.checker_at(all.checkers.place(i));
        if (checker.type == type && followed_name(checker) == name) found.push_back(all.checkers.id(i));
    }
    return found;
}

Table Judge::desired(std::size_t service) const { return impl_->services().desired(service); }

Table Judge::desired() const {
    Table table;
    table.reserve(services().size());
    for (std::size_t i = 0; i < services().size(); ++i) std::ranges::move(desired(i), std::back_inserter(table));
    return table;
}

std::vector<netlink::IpvsServiceKey> Judge::keys(std::size_t service) const { return impl_->services().keys(service); }

std::optional<netlink::MarkTable> Judge::mark_table() const { return impl_->mark_table(); }

ServiceVerdict Judge::verdict(std::size_t service) const { return impl_->services().verdict(service); }

}  // namespace mainstay::lvs
