// Mails that wait to be sent, one file each, so that neither a crash nor a power cut loses one.
//
// A mail is written under a temporary name, fsync'ed, renamed, and the folder is fsync'ed: when put() returns, it is
// on disk. The same id again changes nothing, so an event may be spooled twice around a crash. A digest is written
// before the mails that it stands for are removed; a crash in between leaves both, and open() removes the latter.
//
// Calls wait for the disk: only the observer uses it. One owner, one thread, one process per folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mainstay/alert/mail.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::alert {

struct SpoolLimits {
    std::size_t mails_max = 1'000;
    std::size_t bytes_max = 64U << 20;   // of all waiting mails
    std::size_t failed_files_max = 200;  // in failed/; the oldest make room
};
inline constexpr std::size_t kSpoolFileBytesMax = 8U << 20;

// The form on disk: JSON with a version. decode refuses what encode would not have written.
[[nodiscard]] std::string encode_mail(const Mail& mail);
[[nodiscard]] Result<Mail> decode_mail(std::string_view text);

class Spool {
public:
    // Makes the folder (mode 0700) and failed/ in it, removes what a crash left half done, and loads the rest. A file
    // that cannot be read as a mail goes to failed/ and is named in problems().
    [[nodiscard]] static Result<Spool> open(const std::string& directory, SpoolLimits limits = {});

    // Durable on return. Errc::Limit: the spool is full.
    [[nodiscard]] Result<void> put(const Mail& mail);
    // Writes the mail over the one with its id: its recipients have become fewer.
    [[nodiscard]] Result<void> update(const Mail& mail);
    // Writes the digest and removes the mails that it names in `merged`.
    [[nodiscard]] Result<void> put_digest(const Mail& digest);
    // The mail is forgotten in any case; an error means that its file could not be removed.
    [[nodiscard]] Result<void> remove(std::string id);
    // Keeps a copy in failed/ with the reason; the mail itself stays until remove() or update().
    [[nodiscard]] Result<void> keep_failed(const Mail& mail, const std::string& reason);

    [[nodiscard]] const std::map<std::string, Mail>& mails() const { return mails_; }
    // Whether a mail with this id waits, on its own or inside a digest.
    [[nodiscard]] bool knows(const std::string& id) const;
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

private:
    Spool(std::string directory, SpoolLimits limits, UniqueFd dir, UniqueFd failed);
    Result<void> load();
    Result<void> load_file(const std::string& name);
    void drop_merged();
    Result<void> write(const Mail& mail, bool may_exceed);
    Result<void> make_room_in_failed();

    std::string directory_;
    SpoolLimits limits_;
    UniqueFd dir_, failed_;
    std::map<std::string, Mail> mails_;
    std::map<std::string, std::size_t> sizes_;
    std::size_t bytes_ = 0;
    std::vector<std::string> problems_;
};

}  // namespace mainstay::alert
