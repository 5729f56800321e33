// The replacement of the nftables codecs in a build without libnftnl.
#include "mainstay/netlink/mark_table.hpp"
#include "mainstay/netlink/vip_filter.hpp"

namespace mainstay::netlink {

bool has_nftables() { return false; }
void append_filter(NftBatch&, const VipFilter&) {}
void append_filter_change(NftBatch&, const VipFilter&, const VipFilter&) {}
void append_table_removal(NftBatch&, Family, const std::string&) {}
void append_mark_table(NftBatch&, const MarkTable&) {}
void append_batch_begin(std::vector<std::byte>&, std::uint32_t) {}
void append_batch_end(std::vector<std::byte>&, std::uint32_t) {}
void append_generation_query(std::vector<std::byte>&, std::uint32_t) {}
void append_table_query(std::vector<std::byte>&, Family, const std::string&, std::uint32_t) {}
void append_rule_dump(std::vector<std::byte>&, Family, const std::string&, std::uint32_t) {}
void append_element_dump(std::vector<std::byte>&, Family, const std::string&, const std::string&, std::uint32_t) {}
Result<std::size_t> count_elements(const Message&) { return std::size_t{0}; }
std::size_t rule_count(const VipFilter&) { return 0; }
std::map<std::string, std::size_t> element_counts(const VipFilter&) { return {}; }

}  // namespace mainstay::netlink
