#include "mainstay/alert/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>

#include "mainstay/alert/webhook_spool.hpp"
#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

constexpr std::string_view kTrial = "trial";
constexpr std::size_t kTrialBytes = 4096;

}  // namespace

Mail SpoolFormat<Mail>::with_reason(Mail mail, const std::string& reason) {
    mail.items.push_back({.subject = std::string{kNotDelivered}, .body = reason, .at = mail.queued});
    return mail;
}

template <class Item>
BasicSpool<Item>::BasicSpool(std::string directory, SpoolLimits limits, UniqueFd dir, UniqueFd failed)
    : directory_{std::move(directory)}, limits_{limits}, dir_{std::move(dir)}, failed_{std::move(failed)} {}

template <class Item>
Result<BasicSpool<Item>> BasicSpool<Item>::open(const std::string& directory, SpoolLimits limits) {
    auto dir = open_folder(directory);
    if (!dir) return error_of(dir, Format::kSpool);
    auto failed = open_folder(directory + "/failed");
    if (!failed) return error_of(failed, Format::kSpool);
    BasicSpool spool{directory, limits, std::move(*dir), std::move(*failed)};
    if (auto loaded = spool.load(); !loaded) return error_of(loaded, Format::kSpool);
    return spool;
}

template <class Item>
BasicSpool<Item> BasicSpool<Item>::in_memory(std::string directory, const Error& why, SpoolLimits limits) {
    BasicSpool spool{std::move(directory), limits, UniqueFd{}, UniqueFd{}};
    spool.disk_problem_ = why.text();
    return spool;
}

template <class Item>
std::unexpected<Error> BasicSpool<Item>::unknown(const std::string& id) {
    return fail(Errc::NotFound, fmt::format("{} {} is not in the spool", Format::kItem, id));
}

// The folder exists now: its mails are loaded.
template <class Item>
Result<void> BasicSpool<Item>::open_again() {
    auto there = open(directory_, limits_);
    if (!there) return error_of(there);
    dir_ = std::move(there->dir_);
    failed_ = std::move(there->failed_);
    for (auto& [id, mail] : there->mails_) {
        if (!mails_.try_emplace(id, std::move(mail)).second) continue;
        sizes_[id] = there->sizes_[id];
        bytes_ += sizes_[id];
    }
    problems_.insert(problems_.end(), there->problems_.begin(), there->problems_.end());
    return {};
}

// Tests with the size of a mail, because a full disk may have room for an empty file.
template <class Item>
Result<void> BasicSpool<Item>::try_disk() {
    if (!dir_)
        if (auto opened = open_again(); !opened) return opened;
    const std::string trial{kTrial};
    auto written = write_durably(dir_.get(), trial, std::string(kTrialBytes, ' '), directory_);
    ::unlinkat(dir_.get(), trial.c_str(), 0);
    // The folder was removed by another program and is created again.
    if (!written && written.error().sys_errno() == ENOENT) dir_.reset();
    return written;
}

template <class Item>
std::size_t BasicSpool<Item>::settle() {
    if (disk_problem_.empty()) return 0;
    std::size_t written = 0;
    auto done = try_disk();
    while (done && !unsaved_.empty()) {
        const std::string id = *unsaved_.begin();
        done = write_durably(dir_.get(), file_of(id), Format::encode(mails_.at(id)), directory_);
        if (!done) break;
        release(id);
        ++written;
    }
    disk_problem_ = done ? std::string{} : done.error().text();
    return written;
}

template <class Item>
Result<void> BasicSpool<Item>::hold(const std::string& id, std::size_t bytes, bool may_exceed, const Error& why) {
    disk_problem_ = why.text();
    const std::size_t before = unsaved_.contains(id) ? sizes_[id] : 0;
    if (!may_exceed &&
        (unsaved_.size() >= limits_.memory_mails_max || unsaved_bytes_ + bytes - before > limits_.memory_bytes_max)) {
        return fail(Errc::Limit, fmt::format("the {} cannot be written ({}) and memory holds {} {}s already",
                                             Format::kSpool, disk_problem_, unsaved_.size(), Format::kItem));
    }
    unsaved_.insert(id);
    unsaved_bytes_ += bytes - before;
    return {};
}

template <class Item>
void BasicSpool<Item>::release(const std::string& id) {
    if (unsaved_.erase(id) != 0) unsaved_bytes_ -= sizes_[id];
}

template <class Item>
Result<void> BasicSpool<Item>::load() {
    auto names = file_names(dir_.get(), directory_);
    if (!names) return error_of(names);
    for (const auto& name : *names) {
        if (name.starts_with(kTemporaryPrefix)) {  // never acknowledged: its event comes again
            ::unlinkat(dir_.get(), name.c_str(), 0);
        } else if (name.ends_with(Format::kSuffix)) {
            if (auto loaded = load_file(name); !loaded) {
                problems_.push_back(loaded.error().text());
                static_cast<void>(::renameat(dir_.get(), name.c_str(), failed_.get(), name.c_str()));
            }
        }
    }
    drop_merged();
    return {};
}

template <class Item>
Result<void> BasicSpool<Item>::load_file(const std::string& name) {
    auto text = read_bounded(dir_.get(), name, kSpoolFileBytesMax, directory_);
    if (!text) return error_of(text);
    auto mail = Format::decode(*text);
    if (!mail) return error_of(mail, directory_ + "/" + name);
    if (file_of(mail->id) != name)
        return fail(Errc::Invalid, directory_ + "/" + name + ": holds " + std::string{Format::kItem} + " " + mail->id);
    bytes_ += text->size();
    sizes_[mail->id] = text->size();
    mails_[mail->id] = std::move(*mail);
    return {};
}

template <class Item>
void BasicSpool<Item>::drop_merged() {
    std::set<std::string> merged;
    for (const auto& [id, mail] : mails_) merged.insert(Format::merged(mail).begin(), Format::merged(mail).end());
    for (const auto& id : merged) {
        if (!mails_.contains(id)) continue;
        if (auto removed = remove(id); !removed) problems_.push_back(removed.error().text());
    }
}

template <class Item>
Result<void> BasicSpool<Item>::write(const Item& mail, bool may_exceed) {
    const std::string text = Format::encode(mail);
    const std::size_t before = sizes_.contains(mail.id) ? sizes_[mail.id] : 0;
    if (text.size() > kSpoolFileBytesMax)
        return fail(Errc::Limit, fmt::format("a {} of {} bytes", Format::kItem, text.size()));
    if (!may_exceed && (mails_.size() >= limits_.mails_max || bytes_ + text.size() > limits_.bytes_max)) {
        return fail(Errc::Limit, fmt::format("the {} {} is full: {} {}s, {} bytes", Format::kSpool, directory_,
                                             mails_.size(), Format::kItem, bytes_));
    }
    auto written = dir_ ? write_durably(dir_.get(), file_of(mail.id), text, directory_)
                        : Result<void>{fail(Errc::Io, disk_problem_)};
    if (written)
        release(mail.id);
    else if (auto held = hold(mail.id, text.size(), may_exceed, written.error()); !held)
        return held;
    bytes_ += text.size() - before;
    sizes_[mail.id] = text.size();
    mails_[mail.id] = mail;
    return {};
}

template <class Item>
bool BasicSpool<Item>::knows(const std::string& id) const {
    if (mails_.contains(id)) return true;
    return std::ranges::any_of(mails_, [&](const auto& entry) {
        return std::ranges::find(Format::merged(entry.second), id) != Format::merged(entry.second).end();
    });
}

template <class Item>
Result<void> BasicSpool<Item>::put(const Item& mail) {
    if (mails_.contains(mail.id)) return {};
    return write(mail, false);
}

template <class Item>
Result<void> BasicSpool<Item>::update(const Item& mail) {
    if (!mails_.contains(mail.id)) return unknown(mail.id);
    return write(mail, true);
}

template <class Item>
Result<void> BasicSpool<Item>::put_digest(const Item& digest) {
    // A digest in memory must not replace mails on disk.
    const bool any_on_disk = std::ranges::any_of(
        Format::merged(digest), [this](const std::string& id) { return mails_.contains(id) && saved(id); });
    if (any_on_disk && !disk_problem_.empty()) return fail(Errc::Io, disk_problem_);
    // It replaces mails, so it may exceed the limit for a moment.
    if (auto written = write(digest, true); !written) return written;
    if (any_on_disk && !saved(digest.id)) {  // writing has just begun to fail
        if (auto removed = remove(digest.id); !removed) return removed;
        return fail(Errc::Io, disk_problem_);
    }
    Result<void> outcome;
    for (const auto& id : Format::merged(digest)) {
        if (!mails_.contains(id)) continue;
        if (auto removed = remove(id); !removed) outcome = std::move(removed);
    }
    return outcome;
}

// A copy: the caller may hold a part of what is removed.
template <class Item>
Result<void> BasicSpool<Item>::remove(std::string id) {  // NOLINT(performance-unnecessary-value-param)
    const auto found = mails_.find(id);
    if (found == mails_.end()) return unknown(id);
    const std::string name = file_of(id);
    release(id);
    bytes_ -= sizes_[id];
    sizes_.erase(id);
    mails_.erase(found);  // first: if the file cannot be removed, the mail must not be sent again and again
    if (!dir_) return {};
    // No fsync: a mail that comes back after a power cut is sent again under its old Message-ID.
    if (::unlinkat(dir_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        return fail_system("remove " + directory_ + "/" + name, errno);
    }
    return {};
}

template <class Item>
Result<void> BasicSpool<Item>::keep_failed(const Item& mail, const std::string& reason) {
    if (!failed_) return fail(Errc::Io, disk_problem_);
    if (auto room = make_room_in_failed(file_of(mail.id)); !room) return room;
    return write_durably(failed_.get(), file_of(mail.id), Format::encode(Format::with_reason(mail, reason)),
                         directory_ + "/failed");
}

template <class Item>
Result<void> BasicSpool<Item>::put_note(const std::string& name, std::string_view text) {
    if (!dir_) return fail(Errc::Io, disk_problem_);
    return write_durably(dir_.get(), name, text, directory_);
}

template <class Item>
Result<std::string> BasicSpool<Item>::note(const std::string& name) const {
    if (!dir_) return fail(Errc::Io, disk_problem_);
    return read_bounded(dir_.get(), name, kSpoolFileBytesMax, directory_);
}

template <class Item>
Result<void> BasicSpool<Item>::make_room_in_failed(const std::string& file) {
    auto names = file_names(failed_.get(), directory_ + "/failed");
    if (!names) return error_of(names);
    if (names->size() < limits_.failed_files_max || std::ranges::find(*names, file) != names->end()) return {};
    std::vector<std::pair<std::int64_t, std::string>> by_age;
    for (const auto& name : *names) {
        struct stat info{};
        if (::fstatat(failed_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
            by_age.emplace_back(std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, name);
        }
    }
    std::ranges::sort(by_age);
    const std::size_t surplus = names->size() + 1 - limits_.failed_files_max;
    for (std::size_t i = 0; i < std::min(surplus, by_age.size()); ++i) {
        ::unlinkat(failed_.get(), by_age[i].second.c_str(), 0);
    }
    return {};
}

template class BasicSpool<Mail>;
template class BasicSpool<PostBatch>;

// The folder failed/ of the spools: what could not be delivered, each with the reason.

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

// The format of a spooled mail on disk: JSON, because an operator may want to read or repair it.

namespace {

using nlohmann::json;

constexpr int kMailFormat = 1;
// One that cannot be read is left out.
std::vector<config::MailAddress> addresses_of(const json& texts) {
    std::vector<config::MailAddress> addresses;
    for (const auto& text : texts.get<std::vector<std::string>>())
        std::ranges::move(config::mail_addresses(text).addresses, std::back_inserter(addresses));
    return addresses;
}

// Throws json::exception on a missing or mistyped member; caught by decode_mail.
Mail mail_of(const json& document) {
    Mail mail;
    document.at("id").get_to(mail.id);
    if (auto from = addresses_of(json::array({document.at("from")})); !from.empty())
        mail.from = std::move(from.front());
    mail.to = addresses_of(document.at("to"));
    document.at("router_id").get_to(mail.router_id);
    mail.queued.unix_us = whole_number<std::int64_t>(document.at("queued_us"));
    mail.unlisted = whole_number<std::uint64_t>(document.at("unlisted"));
    document.at("merged").get_to(mail.merged);
    for (const auto& entry : document.at("items")) {
        mail.items.push_back({.subject = entry.at("subject").get<std::string>(),
                              .body = entry.at("body").get<std::string>(),
                              .at = {whole_number<std::int64_t>(entry.at("at_us"))}});
    }
    return mail;
}

}  // namespace

std::string encode_mail(const Mail& mail) {
    json items = json::array();
    for (const auto& item : mail.items) {
        items.push_back({{"subject", item.subject}, {"body", item.body}, {"at_us", item.at.unix_us}});
    }
    const json document{{"format", kMailFormat},
                        {"id", mail.id},
                        {"from", config::to_text(mail.from)},
                        {"to", texts_of(mail.to)},
                        {"router_id", mail.router_id},
                        {"queued_us", mail.queued.unix_us},
                        {"unlisted", mail.unlisted},
                        {"merged", mail.merged},
                        {"items", std::move(items)}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Mail> decode_mail(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return fail(Errc::Invalid, "not JSON");
    try {
        if (document.at("format") != kMailFormat)
            return fail(Errc::Unsupported, "a format that this version does not know");
        Mail mail = mail_of(document);
        if (!safe_id(mail.id)) return fail(Errc::Invalid, "an id that cannot be a file name");
        if (mail.items.empty() || mail.to.empty()) return fail(Errc::Invalid, "a mail without text or recipients");
        return mail;
    } catch (const json::exception& problem) {
        return fail(Errc::Invalid, problem.what());
    }
}

std::string kept_or_lost(const Result<void>& kept) {
    if (kept) return "moved to the spool's failed folder";
    return "lost, because the failed folder does not take it (" + kept.error().text() + ")";
}

}  // namespace mainstay::alert
