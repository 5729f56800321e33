// The state of `mainstay-realserver` between `up` and `down`: its addresses, and the former ARP settings. Stored in
// /run/mainstay/realserver/state, which is replaced by rename, never changed in place.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::cli {

struct RealServerState {
    std::set<Prefix> vips;
    std::map<std::string, int> saved;  // ARP settings by name; only known names
    bool operator==(const RealServerState&) const = default;
};

// The file's text. `boot` identifies the boot: a state of an earlier one says nothing, and is read as empty.
[[nodiscard]] std::string to_text(const RealServerState& state, std::string_view boot);
// Errors name the line. Only names of kArpSettings and numbers come through: the text may lie in a folder that
// others could write.
[[nodiscard]] Result<RealServerState> from_text(std::string_view text, std::string_view boot);

class StateFile {
public:
    // For changes: makes the folder, and waits at most 10 s for another change to end. Holds the lock as long as it
    // lives.
    [[nodiscard]] static Result<StateFile> open_for_change();
    [[nodiscard]] Result<RealServerState> read() const;
    // On disk (or tmpfs) when it returns; an empty state removes the file.
    [[nodiscard]] Result<void> write(const RealServerState& state) const;

    // For looking: no lock, no folder made; empty when there is none.
    [[nodiscard]] static Result<RealServerState> peek();

private:
    StateFile(UniqueFd folder, UniqueFd lock) : folder_{std::move(folder)}, lock_{std::move(lock)} {}
    UniqueFd folder_, lock_;
};

}  // namespace mainstay::cli
