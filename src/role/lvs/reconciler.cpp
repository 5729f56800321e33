#include "reconciler.hpp"

#include <algorithm>
#include <ranges>
#include <system_error>

#include "mainstay/lvs/plan.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::role {

using netlink::IpvsOperation;
using Operation = IpvsOperation::Kind;

TableReconciler::TableReconciler(Runtime& runtime, const LvsOptions& options, std::function<void()> changed)
    : runtime_{runtime},
      log_{runtime.log()},
      options_{options},
      changed_{std::move(changed)},
      reopen_timer_{runtime.loop()},
      audit_timer_{runtime.loop()} {}

void TableReconciler::start(const Wanted& wanted, std::span<const Key> owned_before, bool flush_first) {
    ledger_.leave_over(owned_before);
    flush_first_ = flush_first;
    set_desired(wanted);
    open();
    if (options_.audit_every.count() > 0) arm_audit(options_.audit_every);
}

void TableReconciler::set_desired(const Wanted& wanted) {
    ledger_.begin(wanted.services);
    for (std::size_t i = 0; i < wanted.services; ++i)
        for (auto& entry : wanted.of(i)) ledger_.add(std::move(entry));
    ledger_.end();
}

void TableReconciler::open() {
    auto opened = options_.open_ipvs();
    if (!opened) return unavailable(opened.error());
    ipvs_ = std::move(*opened);
    was_open_ = true;
    if (std::exchange(flush_first_, false)) {
        if (auto flushed = ipvs_->flush(); !flushed) log_.error("lvs_flush: {}", flushed.error().text());
    }
    if (auto read = read_all(); !read) return close_and_retry(read.error());
    if (std::exchange(logged_unavailable_, false)) log_.notice("IPVS is available now");
    state_.available = true;
    state_.problem.clear();
    reconcile();
    changed_();
}

void TableReconciler::unavailable(const Error& error) {
    ipvs_.reset();
    state_.available = false;
    state_.problem = error.text();
    if (!std::exchange(logged_unavailable_, true)) {
        log_.error("IPVS cannot be programmed: {}. Health checks run; retried every {} s", error.text(),
                   std::chrono::duration_cast<Seconds>(options_.reopen_every).count());
    }
    arm_reopen();
    changed_();
}

// After a broken socket or lost answers the kernel's table is unknown, so the socket is reopened and the table reread.
void TableReconciler::close_and_retry(const Error& error) {
    log_.error("IPVS: {}: rereading the table", error.text());
    ipvs_.reset();
    state_.available = false;
    state_.problem = error.text();
    arm_reopen();
    changed_();
}

void TableReconciler::arm_reopen() {
    if (stopped_) return;
    reopen_timer_.expires_after(options_.reopen_every);
    reopen_timer_.async_wait(lifetime_.when_due([this] {
        if (!ipvs_ && !stopped_) open();
    }));
}

Result<void> TableReconciler::read_all() {
    ledger_.forget();
    unsure_.clear();
    if (ledger_.size() == 0 && ledger_.left_over().empty()) return {};
    auto services = ipvs_->services();
    if (!services) return error_of(services);
    for (const auto& entry : *services) {
        const auto& key = entry.service.key;
        if (!ledger_.find(key) && !ledger_.left_over().contains(key)) continue;  // another program's service
        if (auto read = read_service(&entry.service, key); !read) return error_of(read);
    }
    return {};
}

// A newly desired service may exist already: it is read, then adjusted.
Result<void> TableReconciler::read_strange() {
    std::set<Key> strange;
    for (std::size_t i = 0; i < ledger_.size(); ++i)
        if (!ledger_.is_known(i)) strange.insert(ledger_.wanted(i).service.key);
    if (strange.empty()) return {};
    auto services = ipvs_->services();
    if (!services) return error_of(services);
    for (const auto& entry : *services) {
        if (!strange.contains(entry.service.key)) continue;
        auto read = read_service(&entry.service, entry.service.key);
        if (!read) return error_of(read);
    }
    return {};
}

namespace {

bool is_absent(const Error& error) { return error.code() == Errc::NotFound || error.sys_errno() == ESRCH; }

}  // namespace

// True: it exists, and the ledger has its state. A service that is removed while it is read counts as absent.
Result<bool> TableReconciler::read_service(const netlink::IpvsService* service, const Key& key) {
    const auto note_absence = [&] {
        ledger_.found(key, std::nullopt);
        return false;
    };
    if (service == nullptr) return note_absence();
    runtime_.still_at_work();
    auto entries = ipvs_->destinations(key);
    if (!entries && is_absent(entries.error())) return note_absence();
    if (!entries) return error_of(entries);
    lvs::ServiceTable table{*service, {}};
    for (const auto& entry : *entries) table.destinations.push_back(entry.destination);
    ledger_.found(key, std::move(table));
    return true;
}

// Sends the plan batch by batch, removals of leftover services last. False: the socket is lost.
bool TableReconciler::carry_out(void (lvs::Ledger::*plan)(std::size_t, Operations&) const, Work& work) {
    Operations operations;
    for (std::size_t i = 0; i <= ledger_.size(); ++i) {
        const bool last = i == ledger_.size();
        if (last)
            ledger_.plan_left_over(operations);
        else
            (ledger_.*plan)(i, operations);
        if (operations.empty() || (operations.size() < kOperationsPlanned && !last)) continue;
        if (!execute(operations, work)) return false;
        operations.clear();
        runtime_.still_at_work();
    }
    return true;
}

void TableReconciler::reconcile() {
    Work work;
    if (!carry_out(&lvs::Ledger::plan, work)) return;
    if (work.operations == 0) return;
    log_rest(work);
    log_.info("IPVS synchronised: {} services, {} changes, {} us", ledger_.size(), work.operations,
              std::chrono::duration_cast<Micros>(work.took).count());
}

void TableReconciler::update(std::vector<lvs::ServiceTable> changed) {
    Operations operations;
    for (auto& entry : changed) {
        const auto at = ledger_.find(entry.service.key);
        if (!at) continue;
        ledger_.change(*at, std::move(entry));
        ledger_.plan(*at, operations);
    }
    if (ipvs_ && execute(operations)) changed_();
}

void TableReconciler::change(std::vector<lvs::ServiceTable> changed, Moved moved) {
    const bool some_come = !moved.come.empty();
    for (const auto& key : moved.gone) ledger_.remove(key);
    for (auto& [table, before] : moved.come) ledger_.insert(std::move(table), before);
    for (auto& entry : changed)
        if (const auto at = ledger_.find(entry.service.key)) ledger_.change(*at, std::move(entry));
    if (!ipvs_) return;
    if (some_come)
        if (auto read = read_strange(); !read) return close_and_retry(read.error());
    reconcile();
    changed_();
}

void TableReconciler::replace(const Wanted& wanted) {
    set_desired(wanted);
    if (!ipvs_) return;
    if (auto read = read_strange(); !read) return close_and_retry(read.error());
    reconcile();
    changed_();
}

Result<std::vector<lvs::ConnectionsCounted::Destination>> TableReconciler::connections(const lvs::Table& services) {
    std::vector<lvs::ConnectionsCounted::Destination> counted;
    for (const auto& service : services) {
        auto entries = destinations(service.service.key);
        if (!entries) return error_of(entries);
        for (const auto& one : *entries) counted.push_back({one.destination.endpoint, one.active, one.inactive});
    }
    return counted;
}

Result<std::vector<netlink::IpvsServiceEntry>> TableReconciler::services() {
    if (!ipvs_) return fail(Errc::State, state_.problem);
    return ipvs_->services();
}

Result<std::vector<netlink::IpvsDestinationEntry>> TableReconciler::destinations(const Key& key) {
    if (!ipvs_) return fail(Errc::State, state_.problem);
    auto entries = ipvs_->destinations(key);
    if (!entries && is_absent(entries.error())) return std::vector<netlink::IpvsDestinationEntry>{};
    return entries;
}

// False: the socket is lost and the table is unknown; the socket is being reopened.
bool TableReconciler::execute(const Operations& operations) {
    if (operations.empty()) return true;
    Work work;
    if (!execute(operations, work)) return false;
    log_rest(work);
    return true;
}

bool TableReconciler::execute(const Operations& operations, Work& work) {
    const auto begun = std::chrono::steady_clock::now();
    auto outcome = ipvs_->perform(operations);
    if (!outcome) {
        close_and_retry(outcome.error());
        return false;
    }
    state_.operations += operations.size();
    state_.failures += outcome->failures.size();
    take_over(operations, *outcome);
    work.operations += operations.size();
    work.took += std::chrono::steady_clock::now() - begun;
    log_refusals(operations, *outcome, work);
    return true;
}

// Updates the ledger. Where the kernel refused an operation, or accepted one that showed the ledger to be wrong, the
// next audit reads the service again.
void TableReconciler::take_over(const Operations& operations, const IpvsTable::Outcome& outcome) {
    std::vector<std::size_t> failed;
    for (const auto& failure : outcome.failures) failed.push_back(failure.index);
    ledger_.carried_out(operations, failed);
    if (outcome.forgiven != 0)
        for (const auto& operation : operations) unsure_.insert(operation.service.key);
    for (const std::size_t i : failed)
        if (i < operations.size()) unsure_.insert(operations[i].service.key);
}

namespace {

// The reason why the kernel refused the operation, more specific than errno where possible.
std::string refusal(const netlink::IpvsOperation& operation, const kernel::IpvsSocket::Failure& failure) {
    const bool service = operation.kind == Operation::AddService || operation.kind == Operation::SetService;
    if (service && failure.sys_errno == ENOENT) {
        const auto& engine = operation.service.engine;
        return fmt::format("the kernel has no scheduler {}{}", operation.service.scheduler,
                           engine.empty() ? "" : fmt::format(", or no persistence engine {}", engine));
    }
    return failure.text.empty() ? std::generic_category().message(failure.sys_errno) : failure.text;
}

}  // namespace

void TableReconciler::log_refusals(const Operations& operations, const IpvsTable::Outcome& outcome, Work& work) {
    std::set<Key> absent;
    for (const auto& failure : outcome.failures) {
        work.refused = true;
        if (failure.index >= operations.size()) continue;
        const auto& operation = operations[failure.index];
        if (operation.kind == Operation::AddService) absent.insert(operation.service.key);
        // Its service was refused as well, which was logged already.
        if (operation.kind == Operation::AddDestination && absent.contains(operation.service.key)) continue;
        std::string text = fmt::format("{}: {}", netlink::describe(operation), refusal(operation, failure));
        if (logged_refusals_.contains(text)) continue;  // retried with every audit, logged once
        if (work.named >= kOperationsNamedMax) {
            ++work.unnamed;
            continue;
        }
        ++work.named;
        log_.info("{}", netlink::line_of_refusal(operation, failure.sys_errno));
        log_.error("IPVS refused {}", text);
        if (logged_refusals_.size() < kRefusalsRememberedMax) logged_refusals_.insert(std::move(text));
    }
}

void TableReconciler::log_rest(const Work& work) {
    if (work.unnamed != 0) log_.error("IPVS refused {} more operations", work.unnamed);
    if (!work.refused) logged_refusals_.clear();
}

// A lost socket is opened once more: what it had put into the table would stay there.
void TableReconciler::stop(bool keep, config::Global::FlushOnStop flush) {
    stopped_ = true;
    reopen_timer_.cancel();
    audit_timer_.cancel();
    if (keep || !was_open_) return;
    const bool again = ipvs_ != nullptr;
    if (auto removed = remove(flush); !removed) {
        if (again) removed = remove(flush);
        if (!removed) log_.error("IPVS: {}: the services that mainstay has put into it stay", removed.error().text());
    }
    state_.available = false;
}

Result<void> TableReconciler::remove(config::Global::FlushOnStop flush) {
    const bool flush_all = flush == config::Global::FlushOnStop::All;
    if (!ipvs_) {
        auto opened = options_.open_ipvs();
        if (!opened) return error_of(opened);
        ipvs_ = std::move(*opened);
        auto read = flush_all ? Result<void>{} : read_all();
        if (!read) return error_of(read);
    }
    if (flush_all) return ipvs_->flush();
    Work work;
    if (!carry_out(&lvs::Ledger::plan_removal, work)) return fail(Errc::Io, state_.problem);
    log_rest(work);
    return {};
}

bool TableReconciler::has_all() const { return state_.available && unsure_.empty() && ledger_.is_as_wanted(); }

bool TableReconciler::is_as_wanted(const Key& key) const {
    const auto at = ledger_.find(key);
    return state_.available && at && ledger_.is_as_wanted(*at) && !unsure_.contains(key);
}

bool TableReconciler::is_usable(const Key& key) const {
    const auto at = ledger_.find(key);
    return state_.available && at && ledger_.is_usable(*at) && !unsure_.contains(key);
}

void TableReconciler::repair_order(std::span<const Key> keys) {
    Operations operations;
    for (const auto& key : keys)
        if (const auto at = ledger_.find(key)) ledger_.plan_repair(*at, operations);
    if (ipvs_ && execute(operations)) changed_();
}

std::optional<lvs::ServiceTable> TableReconciler::known(const Key& key) const {
    const auto at = ledger_.find(key);
    return state_.available && at ? ledger_.known(*at) : std::nullopt;
}

std::optional<lvs::ServiceTable> TableReconciler::other_table(const Key& key) const {
    if (!state_.available || is_as_wanted(key)) return std::nullopt;
    lvs::ServiceTable none;
    none.service.key = key;
    return known(key).value_or(std::move(none));
}

std::optional<lvs::ServiceTable> TableReconciler::wanted(const Key& key) const {
    const auto at = ledger_.find(key);
    return at ? std::optional{lvs::as_put_in(ledger_.wanted(*at))} : std::nullopt;
}

TableChanges::TableChanges(const std::vector<config::ServiceChange>& changes) {
    using Change = config::ServiceChange::Kind;
    for (const auto& change : changes) {
        if (change.kind == Change::Changed) changed.insert(change.at);
        if (change.kind == Change::Added) come_.push_back(change.at);
        if (change.kind == Change::Removed) gone_.push_back(lvs::key_of(change.before));
    }
}

TableReconciler::Moved TableChanges::moved(const lvs::Judge& judge) const {
    TableReconciler::Moved moved{.gone = gone_, .come = {}};
    for (const std::size_t service : std::views::reverse(come_)) {
        std::optional<netlink::IpvsServiceKey> before;
        if (service + 1 < judge.services().size()) before = judge.keys(service + 1).front();
        moved.come.emplace_back(judge.desired(service).front(), before);
    }
    return moved;
}

}  // namespace mainstay::role
