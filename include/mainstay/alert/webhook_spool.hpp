// What waits for a webhook, on disk: the requests of one look at the events, in one file, because thousands of events
// must not cost thousands of fsyncs. The file goes when all of its requests are done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "spool.hpp"
#include "webhook.hpp"

namespace mainstay::alert {

struct PostBatch {
    std::string id;         // letters, digits, '.' and '-': names the file
    std::string webhook;    // its name in mainstay.toml
    std::int64_t sequence;  // ascends, also over restarts
    std::vector<Post> posts;
    std::string reason;  // in failed/: why it was given up
    bool operator==(const PostBatch&) const = default;
};

// JSON with a version. decode refuses what encode would not have written.
[[nodiscard]] std::string encode_posts(const PostBatch& batch);
[[nodiscard]] Result<PostBatch> decode_posts(std::string_view text);

// The alerts that are firing, in a file beside the spool.
[[nodiscard]] std::string encode_firing(const FiringAlerts& firing);
[[nodiscard]] Result<FiringAlerts> decode_firing(std::string_view text);

template <>
struct SpoolFormat<PostBatch> {
    static constexpr std::string_view kSuffix = ".posts", kSpool = "webhook spool", kItem = "event file";
    static std::string encode(const PostBatch& batch) { return encode_posts(batch); }
    static Result<PostBatch> decode(std::string_view text) { return decode_posts(text); }
    static const std::vector<std::string>& merged(const PostBatch& batch);  // none
    static PostBatch with_reason(PostBatch batch, const std::string& reason) {
        batch.reason = reason;
        return batch;
    }
    static std::string take_reason(PostBatch& batch) { return std::exchange(batch.reason, {}); }
    static std::int64_t order(const PostBatch& batch) { return batch.sequence; }
};
using PostSpool = BasicSpool<PostBatch>;

inline constexpr SpoolLimits kPostSpoolLimits{.mails_max = 20'000,
                                              .bytes_max = 64U << 20,
                                              .failed_files_max = 200,
                                              .memory_mails_max = 2'000,
                                              .memory_bytes_max = 8U << 20};

}  // namespace mainstay::alert
