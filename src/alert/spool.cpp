#include "mainstay/alert/spool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

constexpr std::string_view kSuffix = ".mail";
constexpr std::string_view kTrial = "trial";
constexpr std::size_t kTrialBytes = 4096;

std::string file_of(const std::string& id) { return id + std::string{kSuffix}; }

}  // namespace

Spool::Spool(std::string directory, SpoolLimits limits, UniqueFd dir, UniqueFd failed)
    : directory_{std::move(directory)}, limits_{limits}, dir_{std::move(dir)}, failed_{std::move(failed)} {}

Result<Spool> Spool::open(const std::string& directory, SpoolLimits limits) {
    auto dir = open_folder(directory);
    if (!dir) return std::unexpected{std::move(dir.error()).with("mail spool")};
    auto failed = open_folder(directory + "/failed");
    if (!failed) return std::unexpected{std::move(failed.error()).with("mail spool")};
    Spool spool{directory, limits, std::move(*dir), std::move(*failed)};
    if (auto loaded = spool.load(); !loaded) return std::unexpected{std::move(loaded.error()).with("mail spool")};
    return spool;
}

Spool Spool::in_memory(std::string directory, const Error& why, SpoolLimits limits) {
    Spool spool{std::move(directory), limits, UniqueFd{}, UniqueFd{}};
    spool.disk_problem_ = why.text();
    return spool;
}

// The folder exists now: its mails are loaded.
Result<void> Spool::open_again() {
    auto there = open(directory_, limits_);
    if (!there) return std::unexpected{std::move(there.error())};
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
Result<void> Spool::try_disk() {
    if (!dir_)
        if (auto opened = open_again(); !opened) return opened;
    const std::string trial{kTrial};
    auto written = write_durably(dir_.get(), trial, std::string(kTrialBytes, ' '), directory_);
    ::unlinkat(dir_.get(), trial.c_str(), 0);
    // The folder was removed by another program and is created again.
    if (!written && written.error().sys_errno() == ENOENT) dir_.reset();
    return written;
}

std::size_t Spool::settle() {
    if (disk_problem_.empty()) return 0;
    std::size_t written = 0;
    auto done = try_disk();
    while (done && !unsaved_.empty()) {
        const std::string id = *unsaved_.begin();
        done = write_durably(dir_.get(), file_of(id), encode_mail(mails_.at(id)), directory_);
        if (!done) break;
        release(id);
        ++written;
    }
    disk_problem_ = done ? std::string{} : done.error().text();
    return written;
}

Result<void> Spool::hold(const std::string& id, std::size_t bytes, bool may_exceed, const Error& why) {
    disk_problem_ = why.text();
    const std::size_t before = unsaved_.contains(id) ? sizes_[id] : 0;
    if (!may_exceed &&
        (unsaved_.size() >= limits_.memory_mails_max || unsaved_bytes_ + bytes - before > limits_.memory_bytes_max)) {
        return fail(Errc::Limit, "the mail spool cannot be written (" + disk_problem_ + ") and memory holds " +
                                     std::to_string(unsaved_.size()) + " mails already");
    }
    unsaved_.insert(id);
    unsaved_bytes_ += bytes - before;
    return {};
}

void Spool::release(const std::string& id) {
    if (unsaved_.erase(id) != 0) unsaved_bytes_ -= sizes_[id];
}

Result<void> Spool::load() {
    auto names = file_names(dir_.get(), directory_);
    if (!names) return std::unexpected{std::move(names.error())};
    for (const auto& name : *names) {
        if (name.starts_with(kTemporaryPrefix)) {  // never acknowledged: its event comes again
            ::unlinkat(dir_.get(), name.c_str(), 0);
        } else if (name.ends_with(kSuffix)) {
            if (auto loaded = load_file(name); !loaded) {
                problems_.push_back(loaded.error().text());
                static_cast<void>(::renameat(dir_.get(), name.c_str(), failed_.get(), name.c_str()));
            }
        }
    }
    drop_merged();
    return {};
}

Result<void> Spool::load_file(const std::string& name) {
    auto text = read_bounded(dir_.get(), name, kSpoolFileBytesMax, directory_);
    if (!text) return std::unexpected{std::move(text.error())};
    auto mail = decode_mail(*text);
    if (!mail) return std::unexpected{std::move(mail.error()).with(directory_ + "/" + name)};
    if (file_of(mail->id) != name) return fail(Errc::Invalid, directory_ + "/" + name + ": holds mail " + mail->id);
    bytes_ += text->size();
    sizes_[mail->id] = text->size();
    mails_[mail->id] = std::move(*mail);
    return {};
}

void Spool::drop_merged() {
    std::set<std::string> merged;
    for (const auto& [id, mail] : mails_) merged.insert(mail.merged.begin(), mail.merged.end());
    for (const auto& id : merged) {
        if (!mails_.contains(id)) continue;
        if (auto removed = remove(id); !removed) problems_.push_back(removed.error().text());
    }
}

Result<void> Spool::write(const Mail& mail, bool may_exceed) {
    const std::string text = encode_mail(mail);
    const std::size_t before = sizes_.contains(mail.id) ? sizes_[mail.id] : 0;
    if (text.size() > kSpoolFileBytesMax)
        return fail(Errc::Limit, "a mail of " + std::to_string(text.size()) + " bytes");
    if (!may_exceed && (mails_.size() >= limits_.mails_max || bytes_ + text.size() > limits_.bytes_max)) {
        return fail(Errc::Limit, "the mail spool " + directory_ + " is full: " + std::to_string(mails_.size()) +
                                     " mails, " + std::to_string(bytes_) + " bytes");
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

bool Spool::knows(const std::string& id) const {
    if (mails_.contains(id)) return true;
    return std::ranges::any_of(mails_, [&](const auto& entry) {
        return std::ranges::find(entry.second.merged, id) != entry.second.merged.end();
    });
}

Result<void> Spool::put(const Mail& mail) {
    if (mails_.contains(mail.id)) return {};
    return write(mail, false);
}

Result<void> Spool::update(const Mail& mail) {
    if (!mails_.contains(mail.id)) return fail(Errc::NotFound, "mail " + mail.id + " is not in the spool");
    return write(mail, true);
}

Result<void> Spool::put_digest(const Mail& digest) {
    // A digest in memory must not replace mails on disk.
    const bool any_on_disk =
        std::ranges::any_of(digest.merged, [this](const std::string& id) { return mails_.contains(id) && saved(id); });
    if (any_on_disk && !disk_problem_.empty()) return fail(Errc::Io, disk_problem_);
    // It replaces mails, so it may exceed the limit for a moment.
    if (auto written = write(digest, true); !written) return written;
    if (any_on_disk && !saved(digest.id)) {  // writing has just begun to fail
        if (auto removed = remove(digest.id); !removed) return removed;
        return fail(Errc::Io, disk_problem_);
    }
    Result<void> outcome;
    for (const auto& id : digest.merged) {
        if (!mails_.contains(id)) continue;
        if (auto removed = remove(id); !removed) outcome = std::move(removed);
    }
    return outcome;
}

// A copy: the caller may hold a part of what is removed.
Result<void> Spool::remove(std::string id) {  // NOLINT(performance-unnecessary-value-param)
    const auto found = mails_.find(id);
    if (found == mails_.end()) return fail(Errc::NotFound, "mail " + id + " is not in the spool");
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

Result<void> Spool::keep_failed(const Mail& mail, const std::string& reason) {
    if (!failed_) return fail(Errc::Io, disk_problem_);
    if (auto room = make_room_in_failed(); !room) return room;
    Mail copy = mail;
    copy.items.push_back({.subject = "not delivered", .body = reason, .at = mail.queued});
    return write_durably(failed_.get(), file_of(mail.id), encode_mail(copy), directory_ + "/failed");
}

Result<void> Spool::make_room_in_failed() {
    auto names = file_names(failed_.get(), directory_ + "/failed");
    if (!names) return std::unexpected{std::move(names.error())};
    if (names->size() < limits_.failed_files_max) return {};
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

}  // namespace mainstay::alert
