// The folder failed/ of the spool: mails that no relay took, each with the reason as its last item.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "mainstay/alert/spool.hpp"
#include "spool_file.hpp"

namespace mainstay::alert {
namespace {

// The mail as it was before keep_failed(), and why it failed.
FailedMail failed_mail(std::string id, Result<Mail> read) {
    if (!read) return {.id = std::move(id), .mail = {}, .reason = read.error().text()};
    if (read->id != id) return {.id = std::move(id), .mail = {}, .reason = "it holds the mail " + read->id};
    FailedMail failed{.id = std::move(id), .mail = std::move(*read), .reason = {}};
    auto& items = failed.mail->items;
    if (items.size() > 1 && items.back().subject == SpoolFormat<Mail>::kNotDelivered) {
        failed.reason = std::move(items.back().body);
        items.pop_back();
    }
    return failed;
}

}  // namespace

template <>
std::vector<FailedMail> Spool::failed() const {
    if (!failed_) return {};
    const std::string where = directory_ + "/failed";
    auto names = file_names(failed_.get(), where);
    if (!names) return {};
    std::vector<FailedMail> all;
    std::size_t left = kFailedBytesReadMax;
    for (const auto& name : *names) {
        if (!name.ends_with(Format::kSuffix)) continue;
        std::string id = name.substr(0, name.size() - Format::kSuffix.size());
        auto text = read_bounded(failed_.get(), name, left, where);
        if (!text) {
            all.push_back({.id = std::move(id), .mail = {}, .reason = text.error().text()});
            continue;
        }
        left -= text->size();
        all.push_back(failed_mail(std::move(id), decode_mail(*text)));
    }
    std::ranges::sort(all, {}, [](const FailedMail& one) {
        return std::pair{one.mail ? one.mail->queued.unix_us : std::int64_t{0}, std::string_view{one.id}};
    });
    return all;
}

template <>
Result<void> Spool::retry_failed(const FailedMail& failed, WallTime now) {
    if (!failed.mail) return fail(Errc::Invalid, failed.id + ": " + failed.reason);
    const auto waiting = mails_.find(failed.id);
    // A mail that one server refused for some recipients may still wait for the others.
    Mail mail = waiting != mails_.end() ? waiting->second : *failed.mail;
    for (const auto& address : failed.mail->to)
        if (std::ranges::find(mail.to, address) == mail.to.end()) mail.to.push_back(address);
    mail.queued = now;
    auto stored = waiting != mails_.end() ? update(mail) : put(mail);
    if (!stored) return stored;
    // A crash before this leaves the file: at worst the mail is sent again, under its old Message-ID.
    return drop_failed(failed.id);
}

template <>
Result<void> Spool::drop_failed(const std::string& id) {
    if (!failed_) return fail(Errc::Io, disk_problem_);
    if (::unlinkat(failed_.get(), file_of(id).c_str(), 0) != 0 && errno != ENOENT)
        return fail_system("remove " + directory_ + "/failed/" + file_of(id), errno);
    return {};
}

}  // namespace mainstay::alert
