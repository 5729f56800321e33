#include "mark_reconciler.hpp"

namespace mainstay::role {

void MarkReconciler::set_desired(std::optional<netlink::MarkTable> table) {
    wanted_ = std::move(table);
    reconcile();
}

void MarkReconciler::reconcile() {
    timer_.cancel();
    if (wanted_ == done_) return;
    if (auto applied = apply(); applied) {
        logged_ = false;
        return;
    } else if (!std::exchange(logged_, true)) {
        log_.error("nftables_ipvs: {}: packets to virtual server groups are not marked; retried every {} s",
                   applied.error().text(), std::chrono::duration_cast<Seconds>(again_every_).count());
    }
    watch_.stop();
    nftables_.reset();
    timer_.expires_after(again_every_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) reconcile();
    });
}

Result<void> MarkReconciler::apply() {
    if (!nftables_) {
        auto opened = kernel::Nftables::open();
        if (!opened) return error_of(opened);
        nftables_.emplace(std::move(*opened));
    }
    auto batch = nftables_->begin();
    if (done_ && (!wanted_ || wanted_->name != done_->name)) {
        netlink::MarkTable gone;
        gone.name = done_->name;
        netlink::append_mark_table(batch, gone);
    }
    if (wanted_) netlink::append_mark_table(batch, *wanted_);
    if (auto committed = nftables_->commit(batch); !committed) return committed;
    done_ = wanted_;
    if (done_)
        watch_.start(*nftables_);
    else
        watch_.stop();
    return {};
}

void MarkReconciler::check() {
    if (!done_ || !nftables_) return;
    const auto same = nftables_->looks_like(*done_);
    if (!same || *same) return;  // an interrupted query is repeated at the next change
    log_.warning("nftables table {} was changed by another program: restored", done_->name);
    done_.reset();
    reconcile();
}

void MarkReconciler::stop(bool keep) {
    timer_.cancel();
    watch_.stop();
    if (keep || !done_) return;
    wanted_.reset();
    if (auto applied = apply(); !applied) log_.error("nftables_ipvs: {}", applied.error().text());
}

}  // namespace mainstay::role
