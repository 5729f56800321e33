#include "announcing.hpp"

#include <algorithm>

namespace mainstay::role {
namespace {

constexpr Seconds kInheritedDrainTime{60};  // of an address that is no longer configured after a crash

std::string_view word_of(lvs::Announcer::State state) {
    switch (state) {
        case lvs::Announcer::State::Withdrawn:
            return "withdrawn";
        case lvs::Announcer::State::Announced:
            return "announced";
        case lvs::Announcer::State::Draining:
            return "draining";
    }
    return "";
}

// Of a former process.
lvs::Announcer::State state_of(std::string_view word) {
    using enum lvs::Announcer::State;
    for (const auto state : {Announced, Draining})
        if (word == word_of(state)) return state;
    return Withdrawn;
}

}  // namespace

void Announcing::inherit(const std::vector<report::AnnouncedStatus>& before, const std::set<IpAddress>& present) {
    std::vector<lvs::AnnouncedAddress> list;
    for (const auto& one : before) {
        list.push_back({.address = one.address, .settings = {}, .services = {}});
        auto& settings = list.back().settings;
        settings.interface = one.interface;
        settings.drain_interface = one.drain_interface;
        settings.drain_time = kInheritedDrainTime;
    }
    announcer_.configure(std::move(list));
    for (const auto& one : before) {
        const lvs::Announcer::State state = state_of(one.state);
        if (present.contains(one.address))
            announcer_.resume(one.address, state, one.since, owner_.moment());
        else if (state != lvs::Announcer::State::Withdrawn)
            expired_.insert(one.address);
    }
}

void Announcing::configure(const std::vector<config::VirtualServer>& services) {
    auto wanted = lvs::announced_addresses(services);
    if (wanted.left_out != 0)
        log_.error("announce: {} addresses are not announced: {} are the most", wanted.left_out,
                   lvs::kAnnouncedAddressesMax);
    announcer_.configure(std::move(wanted.list));
    announcer_.distrust(std::exchange(expired_, {}), owner_.moment().now);
}

void Announcing::drain(bool on) {
    announcer_.drain(on);
    update();
}

void Announcing::withdraw() {
    if (stopped_ || announcer_.is_empty()) return;
    carry_out(announcer_.withdraw(owner_.readiness, owner_.moment()));
}

void Announcing::update() {
    if (stopped_ || announcer_.is_empty()) return;
    if (!renews_) return renew();
    carry_out(announcer_.settle(owner_.readiness, owner_.moment()));
}

// While there is an address at all.
void Announcing::renew() {
    renews_ = !stopped_ && !announcer_.is_empty();
    if (!renews_) return;
    carry_out(announcer_.renew(owner_.readiness, owner_.moment()));
    timer_.expires_after(kRenewEvery);
    timer_.async_wait(lifetime_.when_due([this] { renew(); }));
}

void Announcing::carry_out(const lvs::Announcer::Outcome& outcome) {
    for (const auto& line : outcome.lines) log_.line(line);
    bool changed = !outcome.lines.empty();
    if (!outcome.operations.empty()) {
        for (const auto& line :
             announcer_.carried_out(outcome.operations, perform(outcome.operations), owner_.moment())) {
            log_.line(line);
            changed = true;
        }
    }
    if (changed) owner_.changed();
}

std::vector<netlink::RefusedAnnounce> Announcing::perform(const netlink::AnnounceOperations& operations) {
    auto refused = try_to_perform(operations);
    if (refused) return std::move(*refused);
    kernel_.reset();
    std::vector<netlink::RefusedAnnounce> all;
    for (std::size_t i = 0; i < operations.size(); ++i) all.push_back({i, refused.error().text()});
    return all;
}

Result<std::vector<netlink::RefusedAnnounce>> Announcing::try_to_perform(
    const netlink::AnnounceOperations& operations) {
    if (!kernel_) {
        auto opened = options_.open_announcing();
        if (!opened) return error_of(opened);
        kernel_ = std::move(*opened);
    }
    return kernel_->perform(operations);
}

void Announcing::stop(std::function<void()> done) {
    stopped_ = true;
    timer_.cancel();
    auto outcome = announcer_.stop(owner_.moment());
    const bool announced = !outcome.lines.empty();
    carry_out(outcome);
    auto finish = [this, done = std::move(done)] {
        carry_out({.operations = announcer_.stop_routes(), .lines = {}});
        done();
    };
    if (!announced) return finish();
    timer_.expires_after(kWithdrawnBeforeStop);
    timer_.async_wait(lifetime_.when_due(std::move(finish)));
}

bool Announcing::is_withdrawn(std::size_t service) const {
    bool announces = false;
    for (const auto& address : announcer_.addresses()) {
        if (!std::ranges::binary_search(address.configured.services, service)) continue;
        if (address.state() != lvs::Announcer::State::Withdrawn) return false;
        announces = true;
    }
    return announces;
}

std::vector<report::AnnouncedStatus> Announcing::status() const {
    std::vector<report::AnnouncedStatus> list;
    for (const auto& address : announcer_.addresses()) {
        const auto& settings = address.configured.settings;
        list.push_back({.address = address.configured.address,
                        .interface = settings.interface,
                        .drain_interface = settings.drain_interface,
                        .state = std::string{word_of(address.state())},
                        .reason = address.problem.empty() ? address.reason : address.problem,
                        .since = address.since,
                        .on_purpose = address.is_withdrawn_on_purpose()});
    }
    return list;
}

}  // namespace mainstay::role
