// The changes that a reload makes to the addresses of all masters and to static ones. An address that has any owner
// before and after the reload stays set.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::vrrp {

class AddressMoves {
public:
    enum class Which : std::uint8_t { New, Changed };  // Changed: must be removed and set again

    void was_held(const config::Instance& master);
    void was_held(const std::vector<StaticAddress>& statics);
    void is_held(InstanceId id, const config::Instance& master);
    void is_held(const std::vector<StaticAddress>& statics);

    void add(Step step, Which which) const;
    void remove(Step step) const;
    [[nodiscard]] bool is_nobodys(const HeldAddress& held) const { return !after_.contains(key_of(held)); }

private:
    struct After {
        AddressIdentity as;
        InstanceId owner = kNoInstance;
        std::size_t position = 0;            // of an instance's
        config::VirtualAddress as_static{};  // else
    };
    // The kernel has an IPv4 address once for each prefix length, an IPv6 address once on an interface.
    using Key = std::pair<std::string, Prefix>;
    [[nodiscard]] static Key key_of(const HeldAddress& held);
    [[nodiscard]] static Key key_of(const AddressIdentity& as) { return key_of(HeldAddress{as.interface, as.prefix}); }
    [[nodiscard]] bool comes(const Key& key, const After& after, Which which) const;

    std::map<Key, AddressIdentity> before_;
    std::map<Key, After> after_;
};

}  // namespace mainstay::vrrp
