// Where a keyword of an object stands in the files that were read, as "/etc/mainstay/mainstay.conf:14". Pure.
//
// The text is looked through when the first place is asked for: who asks for none pays nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/load.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/tools/differences.hpp"

namespace mainstay::config {

class KeywordPlaces {
public:
    // `loaded` must outlive it. Of a file whose braces do not fit nothing is known.
    explicit KeywordPlaces(const Loaded& loaded) : loaded_{loaded} {}

    // Of a value that differs, in the named block of the top ("vrrp_instance VI_1", "global_defs"), or of one that is a
    // block or a line of the top itself (an empty `block`). Where the keyword is not given: the place of its block.
    // Empty: the block is not in the file.
    [[nodiscard]] std::string of(const Difference& one, std::string_view block);
    // In a virtual server, or in one of its real servers (null: in none); what a server does not set itself it has from
    // its service.
    [[nodiscard]] std::string of(const Difference& one, const VirtualServer& service, const RealServer* server);

    struct Stretch {  // of the text, in bytes
        std::uint32_t begin = 0, end = 0;
    };
    // A statement, and the block that follows it.
    struct Item {
        std::vector<std::string> words;
        Stretch line;
        Stretch body;  // behind its {; empty when it opens no block
        [[nodiscard]] bool opens() const { return body.begin != 0; }
    };

private:
    void index();
    [[nodiscard]] std::string_view text() const;
    [[nodiscard]] std::string shown(std::uint32_t offset) const;
    [[nodiscard]] const Item* service_item(const VirtualServer& service) const;

    const Loaded& loaded_;
    bool indexed_ = false;
    std::vector<Item> top_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;  // keyword and first word, into top_
    std::vector<std::uint32_t> line_starts_;
};

}  // namespace mainstay::config
