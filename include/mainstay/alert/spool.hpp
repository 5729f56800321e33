// The mail spool: mails that wait to be sent, one file each, so that neither a crash nor a power cut loses one.
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

// The format on disk: JSON with a version. decode refuses what encode would not have written.
[[nodiscard]] std::string encode_mail(const Mail& mail);
[[nodiscard]] Result<Mail> decode_mail(std::string_view text);

class Spool {
public:
    // Creates the folder (mode 0700) and failed/ in it, removes incomplete files of a crash, and loads the rest. A file
    // that is not a valid mail is moved to failed/ and listed in problems().
    [[nodiscard]] static Result<Spool> open(const std::string& directory, SpoolLimits limits = {});

    // A spool without a folder: everything is in memory only until settle() can create it.
    [[nodiscard]] static Spool in_memory(std::string directory, const Error& why, SpoolLimits limits = {});
    // Retries a disk that could not be written. Returns how many mails were written.
    std::size_t settle();
    // Why the disk cannot be written; empty while it can.
    [[nodiscard]] const std::string& disk_problem() const { return disk_problem_; }
    [[nodiscard]] std::size_t unsaved() const { return unsaved_.size(); }  // mails in memory only
    [[nodiscard]] bool saved(const std::string& id) const { return !unsaved_.contains(id); }

    // Durable on return, unless it is one of the unsaved(). Errc::Limit: the spool, or its part in memory, is full.
    [[nodiscard]] Result<void> put(const Mail& mail);
    // Replaces the mail with this id, after some of its recipients have got it.
    [[nodiscard]] Result<void> update(const Mail& mail);
    // Writes the digest and removes the mails listed in `merged`. While the disk cannot be written, those must be in
    // memory.
    [[nodiscard]] Result<void> put_digest(const Mail& digest);
    // Removes the mail from the spool in any case; an error means that its file could not be removed.
    [[nodiscard]] Result<void> remove(std::string id);
    // Writes a copy to failed/ with the reason; the mail itself stays until remove() or update().
    [[nodiscard]] Result<void> keep_failed(const Mail& mail, const std::string& reason);

    [[nodiscard]] const std::map<std::string, Mail>& mails() const { return mails_; }
    // Whether a mail with this id is waiting, by itself or in a digest.
    [[nodiscard]] bool knows(const std::string& id) const;
    [[nodiscard]] const SpoolLimits& limits() const { return limits_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

private:
    Spool(std::string directory, SpoolLimits limits, UniqueFd dir, UniqueFd failed);
    Result<void> load();
    Result<void> load_file(const std::string& name);
    void drop_merged();
    Result<void> write(const Mail& mail, bool may_exceed);
    Result<void> hold(const std::string& id, std::size_t bytes, bool may_exceed, const Error& why);
    void release(const std::string& id);
    Result<void> open_again();
    Result<void> try_disk();
    Result<void> make_room_in_failed();

    std::string directory_;
    SpoolLimits limits_;
    UniqueFd dir_, failed_;
    std::map<std::string, Mail> mails_;
    std::map<std::string, std::size_t> sizes_;
    std::size_t bytes_ = 0, unsaved_bytes_ = 0;
    std::set<std::string> unsaved_;
    std::string disk_problem_;
    std::vector<std::string> problems_;
};

}  // namespace mainstay::alert
