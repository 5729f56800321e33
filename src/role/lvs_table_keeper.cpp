#include "lvs_table_keeper.hpp"

#include <algorithm>
#include <cstring>

#include "mainstay/lvs/plan.hpp"
#include "mainstay/netlink/ipvs_told.hpp"

namespace mainstay::role {

using netlink::IpvsOperation;
using Operation = IpvsOperation::Kind;

LvsTableKeeper::LvsTableKeeper(boost::asio::io_context& loop, Log& log, const LvsOptions& options,
                               std::function<void()> changed)
    : loop_{loop},
      log_{log},
      options_{options},
      changed_{std::move(changed)},
      reopen_timer_{loop},
      audit_timer_{loop} {}

void LvsTableKeeper::start(lvs::Table wanted, std::vector<Key> owned_before, bool flush_first) {
    leftover_.insert(owned_before.begin(), owned_before.end());
    flush_first_ = flush_first;
    set_wanted(std::move(wanted));
    open();
    if (options_.audit_every.count() > 0) arm_audit(options_.audit_every);
}

void LvsTableKeeper::set_wanted(lvs::Table wanted) {
    const auto key = [](const lvs::ServiceTable& entry) -> const Key& { return entry.service.key; };
    if (std::ranges::equal(wanted, wanted_, {}, key, key)) {
        wanted_ = std::move(wanted);
        return;
    }
    for (const auto& entry : wanted_) leftover_.insert(entry.service.key);
    wanted_ = std::move(wanted);
    wanted_index_.clear();
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        wanted_index_.emplace(wanted_[i].service.key, i);
        leftover_.erase(wanted_[i].service.key);
    }
}

void LvsTableKeeper::open() {
    auto opened = options_.open_ipvs();
    if (!opened) return unavailable(opened.error());
    ipvs_ = std::move(*opened);
    if (std::exchange(flush_first_, false)) {
        if (auto flushed = ipvs_->flush(); !flushed) log_.error("lvs_flush: {}", flushed.error().text());
    }
    if (auto read = read_all(); !read) return close_and_retry(read.error());
    if (std::exchange(told_unavailable_, false)) log_.notice("IPVS is available now");
    state_.available = true;
    state_.problem.clear();
    reconcile();
    changed_();
}

void LvsTableKeeper::unavailable(const Error& error) {
    ipvs_.reset();
    state_.available = false;
    state_.problem = error.text();
    if (!std::exchange(told_unavailable_, true)) {
        log_.error("IPVS cannot be programmed: {}. Health checks run; tried again every {} s", error.text(),
                   std::chrono::duration_cast<Seconds>(options_.reopen_every).count());
    }
    arm_reopen();
    changed_();
}

// A broken socket or lost answers: what the kernel has is unknown, so it is opened and read anew.
void LvsTableKeeper::close_and_retry(const Error& error) {
    log_.error("IPVS: {}: reading the table again", error.text());
    ipvs_.reset();
    state_.available = false;
    state_.problem = error.text();
    arm_reopen();
    changed_();
}

void LvsTableKeeper::arm_reopen() {
    if (stopped_) return;
    reopen_timer_.expires_after(options_.reopen_every);
    reopen_timer_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
        if (error || alive.expired() || ipvs_ || stopped_) return;
        open();
    });
}

Result<void> LvsTableKeeper::read_all() {
    shadow_.clear();
    unsure_.clear();
    if (wanted_.empty() && leftover_.empty()) return {};
    auto services = ipvs_->services();
    if (!services) return std::unexpected{std::move(services.error())};
    for (const auto& entry : *services) {
        const auto& key = entry.service.key;
        if (!wanted_index_.contains(key) && !leftover_.contains(key)) continue;  // somebody else's
        if (auto read = read_service(&entry.service, key); !read) return std::unexpected{std::move(read.error())};
    }
    return {};
}

// True: it is there and in the shadow. A service that goes while it is read counts as absent.
Result<bool> LvsTableKeeper::read_service(const netlink::IpvsService* service, const Key& key) {
    shadow_.erase(key);
    if (service == nullptr) return false;
    auto entries = ipvs_->destinations(key);
    if (!entries) {
        if (entries.error().code() == Errc::NotFound || entries.error().sys_errno() == ESRCH) return false;
        return std::unexpected{std::move(entries.error())};
    }
    lvs::ServiceTable table{*service, {}};
    for (const auto& entry : *entries) table.destinations.push_back(entry.destination);
    shadow_[key] = std::move(table);
    return true;
}

lvs::Present LvsTableKeeper::present() const {
    return [this](const Key& key) {
        const auto found = shadow_.find(key);
        return found == shadow_.end() ? nullptr : &found->second;
    };
}

void LvsTableKeeper::reconcile() {
    const std::vector<Key> owned{leftover_.begin(), leftover_.end()};
    const Operations operations = lvs::plan_from(wanted_, present(), owned);
    if (operations.empty()) return;
    const auto begun = std::chrono::steady_clock::now();
    if (!execute(operations)) return;
    const auto took = std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now() - begun);
    log_.info("IPVS: {} services wanted, {} operations to get there, in {} us", wanted_.size(), operations.size(),
              took.count());
}

void LvsTableKeeper::update(std::vector<lvs::ServiceTable> changed) {
    for (const auto& entry : changed) {
        const auto found = wanted_index_.find(entry.service.key);
        if (found != wanted_index_.end()) wanted_[found->second] = entry;
    }
    if (ipvs_ && execute(lvs::plan_from(changed, present(), {}))) changed_();
}

void LvsTableKeeper::replace(lvs::Table wanted) {
    set_wanted(std::move(wanted));
    if (!ipvs_) return;
    // A service that is wanted for the first time may be there already: it is read, then adjusted.
    const bool strange = std::ranges::any_of(
        wanted_, [this](const lvs::ServiceTable& entry) { return !shadow_.contains(entry.service.key); });
    if (strange) {
        if (auto read = read_all(); !read) return close_and_retry(read.error());
    }
    reconcile();
    changed_();
}

Result<std::vector<lvs::ConnectionsCounted::Destination>> LvsTableKeeper::connections(const lvs::Table& services) {
    std::vector<lvs::ConnectionsCounted::Destination> counted;
    for (const auto& service : services) {
        auto entries = destinations(service.service.key);
        if (!entries) return std::unexpected{std::move(entries.error())};
        for (const auto& one : *entries) counted.push_back({one.destination.endpoint, one.active, one.inactive});
    }
    return counted;
}

Result<std::vector<netlink::IpvsServiceEntry>> LvsTableKeeper::services() {
    if (!ipvs_) return fail(Errc::State, state_.problem);
    return ipvs_->services();
}

Result<std::vector<netlink::IpvsDestinationEntry>> LvsTableKeeper::destinations(const Key& key) {
    if (!ipvs_) return fail(Errc::State, state_.problem);
    auto entries = ipvs_->destinations(key);
    if (!entries && (entries.error().code() == Errc::NotFound || entries.error().sys_errno() == ESRCH))
        return std::vector<netlink::IpvsDestinationEntry>{};
    return entries;
}

// False: the socket is lost and nothing is known; it is being opened anew.
bool LvsTableKeeper::execute(const Operations& operations) {
    if (operations.empty()) return true;
    auto outcome = ipvs_->perform(operations);
    if (!outcome) {
        close_and_retry(outcome.error());
        return false;
    }
    state_.operations += operations.size();
    state_.failures += outcome->failures.size();
    take_over(operations, *outcome);
    tell_refusals(operations, *outcome);
    return true;
}

// Brings the shadow up to date. Where the kernel refused, or forgave because the shadow was wrong, the next audit
// reads the service again.
void LvsTableKeeper::take_over(const Operations& operations, const IpvsTable::Outcome& outcome) {
    std::set<std::size_t> failed;
    for (const auto& failure : outcome.failures) failed.insert(failure.index);
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const auto& operation = operations[i];
        const Key& key = operation.service.key;
        if (failed.contains(i) || outcome.forgiven != 0) unsure_.insert(key);
        if (failed.contains(i)) continue;
        if (operation.kind == Operation::AddService) {
            shadow_[key] = {operation.service, {}};
        } else if (operation.kind == Operation::DeleteService) {
            shadow_.erase(key);
            leftover_.erase(key);
        } else if (const auto found = shadow_.find(key); found != shadow_.end()) {
            static_cast<void>(lvs::perform(found->second, operation));
        }
    }
}

namespace {

// Why the kernel refused it, as far as that is known.
std::string refusal(const netlink::IpvsOperation& operation, const kernel::IpvsSocket::Failure& failure) {
    const bool service = operation.kind == Operation::AddService || operation.kind == Operation::SetService;
    if (service && failure.sys_errno == ENOENT) {
        const auto& engine = operation.service.engine;
        return fmt::format("the kernel has no scheduler {}{}", operation.service.scheduler,
                           engine.empty() ? "" : fmt::format(", or no persistence engine {}", engine));
    }
    return failure.text.empty() ? std::strerror(failure.sys_errno) : failure.text;
}

}  // namespace

void LvsTableKeeper::tell_refusals(const Operations& operations, const IpvsTable::Outcome& outcome) {
    std::size_t unnamed = 0;
    std::size_t named = 0;
    std::set<Key> absent;
    for (const auto& failure : outcome.failures) {
        if (failure.index >= operations.size()) continue;
        const auto& operation = operations[failure.index];
        if (operation.kind == Operation::AddService) absent.insert(operation.service.key);
        // Where there is no service there are no servers: that was told.
        if (operation.kind == Operation::AddDestination && absent.contains(operation.service.key)) continue;
        std::string text = fmt::format("{}: {}", netlink::describe(operation), refusal(operation, failure));
        if (told_refusals_.contains(text)) continue;  // tried again with every audit, told once
        if (named >= kOperationsNamedMax) {
            ++unnamed;
            continue;
        }
        ++named;
        log_.info("{}", netlink::line_of_refusal(operation, failure.sys_errno));
        log_.error("IPVS refused {}", text);
        if (told_refusals_.size() < kRefusalsRememberedMax) told_refusals_.insert(std::move(text));
    }
    if (unnamed != 0) log_.error("IPVS refused {} more operations", unnamed);
    if (outcome.failures.empty()) told_refusals_.clear();
}

void LvsTableKeeper::stop(bool keep, config::Global::FlushOnStop flush) {
    stopped_ = true;
    reopen_timer_.cancel();
    audit_timer_.cancel();
    if (!ipvs_ || keep) return;
    if (flush == config::Global::FlushOnStop::All) {
        if (auto flushed = ipvs_->flush(); !flushed) log_.error("lvs_flush_on_stop: {}", flushed.error().text());
        return;
    }
    std::vector<Key> owned{leftover_.begin(), leftover_.end()};
    for (const auto& entry : wanted_) owned.push_back(entry.service.key);
    static_cast<void>(execute(lvs::plan_from({}, present(), owned)));
    state_.available = false;
}

}  // namespace mainstay::role
