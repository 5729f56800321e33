// The spools: what waits to be sent, mails or events for webhooks, one file each, so that neither a crash nor a power
// cut loses one. "Mail" below stands for an item of either spool.
//
// A mail is written under a temporary name, fsync'ed, renamed, and the folder is fsync'ed: when put() returns, it is
// on disk. Writing the same id again changes nothing, so an event may be spooled twice around a crash. A digest is
// written before the mails that it replaces are removed; a crash in between leaves both, and open() removes the latter.
//
// While the folder cannot be written (read-only, full, missing), mails are kept in memory, up to a separate limit;
// settle() writes them as soon as possible.
//
// Calls block on the disk: only the observer uses it. One owner, one thread, one process per folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mail.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::alert {

struct SpoolLimits {
    std::size_t mails_max = 1'000;
    std::size_t bytes_max = 64U << 20;   // of all waiting mails
    std::size_t failed_files_max = 200;  // in failed/; the oldest are removed
    std::size_t memory_mails_max = 200;  // mails in memory only
    std::size_t memory_bytes_max = 1U << 20;
};
inline constexpr std::size_t kSpoolFileBytesMax = 8U << 20;
inline constexpr std::size_t kFailedBytesReadMax = 4U << 20;  // of all files of failed/, by one call

// A file of failed/.
template <class Item>
struct FailedItem {
    std::string id;            // the name of the file, without its suffix
    std::optional<Item> item;  // none: the file was not read, or is not such an item
    std::string reason;        // why it was not delivered, or was not read
};
using FailedMail = FailedItem<Mail>;

// The format on disk: JSON with a version. decode refuses what encode would not have written.
[[nodiscard]] std::string encode_mail(const Mail& mail);
[[nodiscard]] Result<Mail> decode_mail(std::string_view text);

// What a spool has to know of its items: SpoolFormat<Mail> and SpoolFormat<PostBatch> (webhook_spool.hpp).
template <class Item>
struct SpoolFormat;

template <>
struct SpoolFormat<Mail> {
    static constexpr std::string_view kSuffix = ".mail", kSpool = "mail spool", kItem = "mail";
    static constexpr std::string_view kNotDelivered = "not delivered";  // the subject of the item with the reason
    static std::string encode(const Mail& mail) { return encode_mail(mail); }
    static Result<Mail> decode(std::string_view text) { return decode_mail(text); }
    static const std::vector<std::string>& merged(const Mail& mail) { return mail.merged; }
    static Mail with_reason(Mail mail, const std::string& reason);  // for failed/
    static std::string take_reason(Mail& mail);                     // leaves the mail as it was before
    static std::int64_t order(const Mail& mail) { return mail.queued.unix_us; }
};

template <class Item>
class BasicSpool {
public:
    // Creates the folder (mode 0700) and failed/ in it, removes incomplete files of a crash, and loads the rest. A file
    // that is not a valid mail is moved to failed/ and listed in problems().
    [[nodiscard]] static Result<BasicSpool> open(const std::string& directory, SpoolLimits limits = {});

    // A spool without a folder: everything is in memory only until settle() can create it.
    [[nodiscard]] static BasicSpool in_memory(std::string directory, const Error& why, SpoolLimits limits = {});
    // Retries a disk that could not be written. Returns how many mails were written.
    std::size_t settle();
    // Why the disk cannot be written; empty while it can.
    [[nodiscard]] const std::string& disk_problem() const { return disk_problem_; }
    [[nodiscard]] std::size_t unsaved() const { return unsaved_.size(); }  // mails in memory only
    [[nodiscard]] bool saved(const std::string& id) const { return !unsaved_.contains(id); }

    // Durable on return, unless it is one of the unsaved(). Errc::Limit: the spool, or its part in memory, is full.
    [[nodiscard]] Result<void> put(const Item& mail);
    // Replaces the mail with this id, after some of its recipients have got it.
    [[nodiscard]] Result<void> update(const Item& mail);
    // Writes the digest and removes the mails listed in `merged`. While the disk cannot be written, those must be in
    // memory.
    [[nodiscard]] Result<void> put_digest(const Item& digest);
    // Removes the mail from the spool in any case; an error means that its file could not be removed. A copy of the id:
    // the caller's may be a part of what is removed. NOLINTNEXTLINE(performance-unnecessary-value-param)
    [[nodiscard]] Result<void> remove(std::string id);
    // Writes a copy to failed/ with the reason; the mail itself stays until remove() or update().
    [[nodiscard]] Result<void> keep_failed(const Item& mail, const std::string& reason);

    // The files of failed/, the mail that was queued first first. Beyond kFailedBytesReadMax they are not read.
    [[nodiscard]] std::vector<FailedItem<Item>> failed() const;
    [[nodiscard]] Result<void> drop_failed(const std::string& id);
    // Of the mail spool alone: puts a mail of failed(), with its former recipients, among the waiting ones, as if it
    // had been queued at `now`.
    [[nodiscard]] Result<void> retry_failed(const FailedMail& failed, WallTime now);

    // A small file of another kind beside the mails, durable on return; `name` must not end as theirs do.
    [[nodiscard]] Result<void> put_note(const std::string& name, std::string_view text);
    [[nodiscard]] Result<std::string> note(const std::string& name) const;

    [[nodiscard]] const std::map<std::string, Item>& mails() const { return mails_; }
    // Whether a mail with this id is waiting, by itself or in a digest.
    [[nodiscard]] bool knows(const std::string& id) const;
    [[nodiscard]] const SpoolLimits& limits() const { return limits_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

private:
    BasicSpool(std::string directory, SpoolLimits limits, UniqueFd dir, UniqueFd failed);
    Result<void> load();
    Result<void> load_file(const std::string& name);
    void drop_merged();
    Result<void> write(const Item& mail, bool may_exceed);
    Result<void> hold(const std::string& id, std::size_t bytes, bool may_exceed, const Error& why);
    void release(const std::string& id);
    Result<void> open_again();
    Result<void> try_disk();
    Result<void> make_room_in_failed(const std::string& file);
    using Format = SpoolFormat<Item>;
    static std::string file_of(const std::string& id) { return id + std::string{Format::kSuffix}; }
    [[nodiscard]] static std::unexpected<Error> unknown(const std::string& id);

    std::string directory_;
    SpoolLimits limits_;
    UniqueFd dir_, failed_;
    std::map<std::string, Item> mails_;
    std::map<std::string, std::size_t> sizes_;
    std::size_t bytes_ = 0, unsaved_bytes_ = 0;
    std::set<std::string> unsaved_;
    std::string disk_problem_;
    std::vector<std::string> problems_;
};
template <>
Result<void> BasicSpool<Mail>::retry_failed(const FailedMail& failed, WallTime now);
using Spool = BasicSpool<Mail>;

// What became of what was given up, for the log. `kept`: the answer of keep_failed().
[[nodiscard]] std::string kept_or_lost(const Result<void>& kept);

}  // namespace mainstay::alert
