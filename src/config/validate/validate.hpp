// The checks of whole blocks and of the whole file, beyond those of single lines.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// Checks of a whole bfd_instance, beyond those of its lines.

// `opened` is its keyword, `values` what it says; its own section is the last of its keyword in `reading.more`, if it
// says anything at all.
void check_bfd(ParseContext& reading, std::string_view name, Mark opened, const KeywordValues& values);

// authentication and auth_hmac: what of them cannot be used is removed. The names of key files become their contents,
// because the roles may not read them.
void resolve_authentication(ParseContext& reading, InstanceDraft& draft);
void limit_addresses(ParseContext& reading, InstanceDraft& draft);  // after authentication

// Blocks that lack what they cannot do without.

// Of the block that ends here; `opened` is its keyword. Other blocks are checked where their structs are.
void check_complete(ParseContext& reading, Block block, Mark opened, const KeywordValues& values);

// keepalived: one instance per virtual router id, family, interface and multicast group. Unicast instances may share an
// id on one local address, as long as no peer is in both of their lists.
void check_virtual_router_ids(ParseContext& r, const Config& config);
// use_ipvlan of an instance that has it: its address is of the instance's family, and IPv4 needs one.
void check_ipvlan(ParseContext& r, InstanceDraft& draft);
// keepalived: of two VMACs with one name the second gets a name of its own.
void check_vmac_names(ParseContext& r, Config& config);

// Reports missing interfaces: one message for each, however many lines use it.
class MissingInterfaces {
public:
    explicit MissingInterfaces(ParseContext& r) : r_{r} {}

    enum class Use : std::uint8_t { Needed, Tracked, Named };
    // `owner`, an instance or a group, or nobody, names the interface at `mark`. An empty name is none.
    void used(const std::string& owner, const std::string& name, Mark mark, Use use);
    void report();

private:
    struct Missing {
        bool exists = false, reported = false, needed = false, tracked = false;
        Mark first;
        std::vector<std::string> owners;
    };

    ParseContext& r_;
    std::map<std::string, Missing> names_;
};

// The passes over what was read.

void check_vrrp(ParseContext& reading, Config& config);
void check_groups(ParseContext& reading, MissingInterfaces& missing, Config& config);
// At the closing brace of a virtual server: turns the draft into its model, or leaves it to check_services.
void resolve_service(ParseContext& reading);
void check_services(ParseContext& reading, Config& config);
// IPVS services that one line of a virtual_server_group may make.
inline constexpr std::uint32_t kGroupAddressesMax = 65'536;
// Whether there is such a group, and all that it has are firewall marks, which have no protocol.
[[nodiscard]] bool has_marks_alone(const ParseContext& reading, std::string_view group);
// Fills in the entries of a service's group. False: it has none, which was reported; the service is left out.
[[nodiscard]] bool resolve_group(ParseContext& reading, ServiceDraft& draft, bool all_tunnelled);
// The port of a DR or TUN server of a firewall mark, or of a group: packets keep theirs.
void report_kept_port(Diagnoser& diag, const VirtualServer& service, std::uint16_t port, Mark mark,
                      const std::string& what);
[[nodiscard]] bool any_port_in(const VirtualServer& service);  // an entry of its group is for all ports
void check_sync_daemon(ParseContext& reading, Config& config);
void check_announce(ParseContext& reading, const Config& config);
// Remarks about contradictory settings. Runs before check_vrrp and check_services.
void check_across(ParseContext& reading);
// Scripts: accounts, paths, security. Runs before check_vrrp and check_services.
void check_scripts(ParseContext& reading);

// Checks of the options of single kinds of checkers.

// False if the check cannot be used; reported to `diag`.
[[nodiscard]] bool check_checker(Diagnoser& diag, const CheckerDraft& checker);
// The same of HTTP_GET and SSL_GET; a url without a virtualhost gets the one around it.
[[nodiscard]] bool resolve_urls(Diagnoser& diag, CheckerDraft& checker, const std::string& virtualhost);
// Of a check that has no port, where it needs one.
void advise_port(Diagnoser& diag, const CheckerDraft& checker, const std::string& server);
void check_pattern(ParseContext& r);  // at the end of a url block
// SMTP_CHECK with `host` blocks stands for one check per block: with its own options, the rest inherited.
void split_hosts(std::vector<CheckerDraft>& checkers);
// FILE_CHECKs and BFD_CHECKs of a track_file or a bfd_instance that the whole file does not have: left out, with a
// message each.
void drop_unfollowable(ParseContext& r, std::vector<VirtualServer>& services);

// check_data_path: which servers of a virtual server cannot be checked along the data path, and why.

// Once servers and group of the draft are resolved.
void check_data_path(ParseContext& r, const ServiceDraft& draft);

// active_active: what it makes of a virtual server, and what does not work with it.

// Once servers, persistence and sorry server of the draft are resolved. Where active_active cannot work it is taken
// back.
void resolve_active_active(Diagnoser& diag, ServiceDraft& draft);
// What only the whole file shows.
void check_active_active(ParseContext& r, const Config& config);

}  // namespace mainstay::config
