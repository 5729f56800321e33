// The folder failed/ of the spools: what could not be delivered, each with the reason.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "mainstay/alert/spool.hpp"
#include "mainstay/alert/webhook_spool.hpp"
#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

// The item as it was before keep_failed(), and why it failed.
template <class Item>
FailedItem<Item> failed_item(std::string id, Result<Item> read) {
    using Format = SpoolFormat<Item>;
    if (!read) return {.id = std::move(id), .item = {}, .reason = read.error().text()};
    if (read->id != id)
        return {.id = std::move(id), .item = {}, .reason = fmt::format("it holds the {} {}", Format::kItem, read->id)};
    FailedItem<Item> failed{.id = std::move(id), .item = std::move(*read), .reason = {}};
    failed.reason = Format::take_reason(*failed.item);
    return failed;
}

}  // namespace

std::string SpoolFormat<Mail>::take_reason(Mail& mail) {
    auto& items = mail.items;
    if (items.size() <= 1 || items.back().subject != kNotDelivered) return {};
    std::string reason = std::move(items.back().body);
    items.pop_back();
    return reason;
}

template <class Item>
std::vector<FailedItem<Item>> BasicSpool<Item>::failed() const {
    if (!failed_) return {};
    const std::string where = directory_ + "/failed";
    auto names = file_names(failed_.get(), where);
    if (!names) return {};
    std::vector<FailedItem<Item>> all;
    std::size_t left = kFailedBytesReadMax;
    for (const auto& name : *names) {
        if (!name.ends_with(Format::kSuffix)) continue;
        std::string id = name.substr(0, name.size() - Format::kSuffix.size());
        auto text = read_bounded(failed_.get(), name, left, where);
        if (!text) {
            all.push_back({.id = std::move(id), .item = {}, .reason = text.error().text()});
            continue;
        }
        left -= text->size();
        all.push_back(failed_item<Item>(std::move(id), Format::decode(*text)));
    }
    std::ranges::sort(all, {}, [](const FailedItem<Item>& one) {
        return std::pair{one.item ? Format::order(*one.item) : std::int64_t{0}, std::string_view{one.id}};
    });
    return all;
}

template <class Item>
Result<void> BasicSpool<Item>::drop_failed(const std::string& id) {
    if (!failed_) return fail(Errc::Io, disk_problem_);
    if (::unlinkat(failed_.get(), file_of(id).c_str(), 0) != 0 && errno != ENOENT)
        return fail_system("remove " + directory_ + "/failed/" + file_of(id), errno);
    return {};
}

template <>
Result<void> Spool::retry_failed(const FailedMail& failed, WallTime now) {
    if (!failed.item) return fail(Errc::Invalid, failed.id + ": " + failed.reason);
    const auto waiting = mails_.find(failed.id);
    // A mail that one server refused for some recipients may still wait for the others.
    Mail mail = waiting != mails_.end() ? waiting->second : *failed.item;
    for (const auto& address : failed.item->to)
        if (std::ranges::find(mail.to, address) == mail.to.end()) mail.to.push_back(address);
    mail.queued = now;
    auto stored = waiting != mails_.end() ? update(mail) : put(mail);
    if (!stored) return stored;
    // A crash before this leaves the file: at worst the mail is sent again, under its old Message-ID.
    return drop_failed(failed.id);
}

template std::vector<FailedItem<Mail>> BasicSpool<Mail>::failed() const;
template Result<void> BasicSpool<Mail>::drop_failed(const std::string& id);
template std::vector<FailedItem<PostBatch>> BasicSpool<PostBatch>::failed() const;
template Result<void> BasicSpool<PostBatch>::drop_failed(const std::string& id);

}  // namespace mainstay::alert
