// The literal bytes: requests as ipvsadm 1.31 makes them (but for what it sends beyond need), answers as Linux 6.1
// gave them.
#include "mainstay/netlink/ipvs.hpp"

#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include <cerrno>

#include "bytes.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;
using IpvsKind = IpvsOperation::Kind;

namespace {

IpvsServiceKey tcp(const char* address, std::uint16_t port) {
    const auto parsed = *IpAddress::parse(address);
    return {.family = parsed.family(), .fwmark = 0, .protocol = 6, .address = parsed, .port = port};
}

IpvsService web() {
    return {.key = tcp("10.0.0.1", 80),
            .scheduler = "wrr",
            .flags = kIpvsPersistent,
            .timeout_s = 50,
            .netmask = 0xffffff00,
            .engine = ""};
}

IpvsDestination server() {
    return {.endpoint = {*IpAddress::parse("10.0.1.11"), 8080},
            .forwarding = 3,
            .weight = 3,
            .upper_threshold = 100,
            .lower_threshold = 50};
}

std::string encoded(const IpvsOperation& operation) {
    std::vector<std::byte> out;
    const auto good = append_operation(out, kFamilyId, operation, 0x01020304);
    REQUIRE_MESSAGE(good, (good ? "" : good.error().text()));
    return to_hex(out);
}

const std::string kKey =
    "0600 0100 0200 0000"  // AF_INET
    "0600 0200 0600 0000"  // TCP
    "0800 0300 0a000001"
    "0600 0400 0050 0000";  // port 80 in network order
const std::string kSettings =
    "0800 0600 77727200"           // wrr
    "0c00 0700 01000000 ffffffff"  // persistent, mask
    "0800 0800 32000000"           // 50 s
    "0800 0900 ffffff00";          // 255.255.255.0 in network order

std::string whole(const std::string& header, const std::string& body) {
    return to_hex(from_hex(header + "1d00 0500 04030201 00000000" + body));
}

const char* const kServiceDump =  // UDP [fd00::1]:53 rr
    "01010000 5401 0100"
    "0600 0100 0a00 0000 0600 0200 1100 0000 1400 0300 fd000000000000000000000000000001 0600 0400 0035 0000"
    "0700 0600 727200 00 0c00 0700 02000000 ffffffff 0800 0800 00000000 0800 0900 80000000"
    "6000 0a00 0800010001000000 0800020002000000 0800030003000000 0c0004000400000000000000 04000b00"
    "0c0005000500000000000000 0800060006000000 0800070007000000 0800080008000000 0800090009000000 08000a000a000000"
    "a000 0c00 0c0001000100000001000000 04000b00 0c0002000200000000000000 04000b00 0c0003000300000000000000 04000b00"
    "0c0004000400000000000000 04000b00 0c0005000500000000000000 04000b00 0c0006000600000000000000 04000b00"
    "0c0007000700000000000000 04000b00 0c0008000800000000000000 04000b00 0c0009000900000000000000 04000b00"
    "0c000a000a00000000000000";

const std::string kDestinationKey = "1400 0100 0a00010b 000000000000000000000000 0600 0200 1f90 0000";
const std::string kDestinationRest =
    "0800 0300 03000000 0800 0400 03000000 0500 0d00 00 000000 0600 0e00 0000 0000 0600 0f00 0000 0000"
    "0800 0500 64000000 0800 0600 32000000 0800 0700 01000000 0800 0800 02000000 0800 0900 03000000";

std::string destination_dump(const std::string& tail) {
    const auto inner = from_hex(kDestinationKey + kDestinationRest + tail);
    const std::size_t length = inner.size() + 4;
    const std::string size = to_hex(std::as_bytes(std::span{&length, 1}).first(2));
    return "05010000" + size + "0200" + to_hex(inner);
}

}  // namespace

TEST_CASE("an operation asks for an answer, or for nothing but a refusal, or is made to ask afterwards") {
    const IpvsOperation operation{IpvsOperation::Kind::DeleteService, web(), {}};
    constexpr std::size_t kFlagsAt = 6;
    std::vector<std::byte> always, quiet;
    REQUIRE(append_operation(always, kFamilyId, operation, 7));
    REQUIRE(append_operation(quiet, kFamilyId, operation, 7, Answer::Refusal));
    CHECK(std::to_integer<int>(always[kFlagsAt]) == (NLM_F_REQUEST | NLM_F_ACK));
    CHECK(std::to_integer<int>(quiet[kFlagsAt]) == NLM_F_REQUEST);

    std::vector<std::byte> two = quiet;
    two.insert(two.end(), quiet.begin(), quiet.end());
    ask_acknowledgement(two, quiet.size());
    quiet.insert(quiet.end(), always.begin(), always.end());
    CHECK(two == quiet);
}

TEST_CASE("a service goes out whole, with its persistence") {
    CHECK(encoded({IpvsKind::AddService, web(), {}}) == whole("5c000000", "01010000 4800 0180" + kKey + kSettings));
    CHECK(encoded({IpvsKind::SetService, web(), {}}) == whole("5c000000", "02010000 4800 0180" + kKey + kSettings));
}

TEST_CASE("a service is deleted by its key alone") {
    CHECK(encoded({IpvsKind::DeleteService, web(), {}}) == whole("38000000", "03010000 2400 0180" + kKey));
}

TEST_CASE("a tunnelled destination says what wraps its packets, unless that is plain IPIP") {
    const auto tunnelled = [](IpvsTunnel tunnel) {
        IpvsDestination one = server();
        one.forwarding = kIpvsTunnel;
        one.tunnel = tunnel;
        const std::string bytes = encoded({IpvsKind::AddDestination, web(), one});
        return bytes.substr(2 * 0x74);  // behind what every destination has
    };
    CHECK(tunnelled({.type = 1, .port = 6080, .flags = 2}) ==
          to_hex(from_hex("0500 0d00 01 000000 0600 0e00 17c0 0000 0600 0f00 0200 0000")));
    CHECK(tunnelled({.type = 2, .port = 0, .flags = 1}) == to_hex(from_hex("0500 0d00 02 000000 0600 0f00 0100 0000")));
    CHECK(tunnelled({}).empty());
}

TEST_CASE("a sync daemon is started with all given values, its port in host order, and stopped by its state") {
    const IpvsDaemon daemon{.state = IpvsDaemon::State::Backup,
                            .interface = "eth1",
                            .sync_id = 51,
                            .maxlen = 1400,
                            .port = 9000,
                            .ttl = 3,
                            .group = *IpAddress::parse("224.0.0.99")};
    std::vector<std::byte> out;
    REQUIRE(append_daemon_start(out, kFamilyId, daemon, 0x01020304));
    CHECK(to_hex(out) == whole("54000000",
                               "09010000 4000 0380 0800 0100 02000000 0900 0200 6574683100 000000 0800 0300 33000000"
                               "0600 0400 7805 0000 0600 0700 2823 0000 0500 0800 03 000000 0800 0500 e0000063"));
    out.clear();
    append_daemon_stop(out, kFamilyId, IpvsDaemon::State::Master, 0x01020304);
    CHECK(to_hex(out) == whole("20000000", "0a010000 0c00 0380 0800 0100 01000000"));
    CHECK_FALSE(append_daemon_start(out, kFamilyId, {}, 1));
}

TEST_CASE("a dump of the kernel's daemons is decoded") {
    const auto payload = from_hex(
        "09010000 4000 0380 0800 0100 01000000 0900 0200 6574683100 000000 0800 0300 33000000"
        "0600 0400 c005 0000 0600 0700 9022 0000 0500 0800 01 000000 0800 0500 e0000051");
    const auto daemon = decode_daemon(message_of(kFamilyId, payload));
    REQUIRE(daemon);
    CHECK(*daemon == IpvsDaemon{.state = IpvsDaemon::State::Master,
                                .interface = "eth1",
                                .sync_id = 51,
                                .maxlen = 1472,
                                .port = 8848,
                                .ttl = 1,
                                .group = *IpAddress::parse("224.0.0.81")});
}

TEST_CASE("only given timeouts are sent, and all are decoded") {
    std::vector<std::byte> out;
    append_timeouts(out, kFamilyId, {.tcp = 7200, .tcp_fin = 0, .udp = 60}, 0x01020304);
    CHECK(to_hex(out) == whole("24000000", "0c010000 0800 0400 201c0000 0800 0600 3c000000"));
    const auto payload = from_hex("0c010000 0800 0400 84030000 0800 0500 78000000 0800 0600 2c010000");
    const auto told = decode_timeouts(message_of(kFamilyId, payload));
    REQUIRE(told);
    CHECK(*told == IpvsTimeouts{900, 120, 300});
}

TEST_CASE("a destination goes out whole, with the key of its service") {
    const std::string body = "2400 0180" + kKey +
                             "3c00 0280 0600 0b00 0200 0000 0800 0100 0a00010b 0600 0200 1f90 0000"
                             "0800 0300 03000000 0800 0400 03000000 0800 0500 64000000 0800 0600 32000000";

    CHECK(encoded({IpvsKind::AddDestination, web(), server()}) == whole("74000000", "05010000" + body));
    CHECK(encoded({IpvsKind::SetDestination, web(), server()}) == whole("74000000", "06010000" + body));
    CHECK(encoded({IpvsKind::DeleteDestination, web(), server()}) ==
          whole("54000000",
                "07010000 2400 0180" + kKey + "1c00 0280 0600 0b00 0200 0000 0800 0100 0a00010b 0600 0200 1f90 0000"));
}

TEST_CASE("a mark replaces protocol, address and port, for either family") {
    IpvsService service{.key = {.family = Family::V6, .fwmark = 5}, .scheduler = "rr", .netmask = 128};

    CHECK(encoded({IpvsKind::DeleteService, service, {}}) ==
          whole("28000000", "03010000 1400 0180 0600 0100 0a00 0000 0800 0500 05000000"));
}

TEST_CASE("the IPv6 netmask is a prefix length in host order") {
    IpvsService service{.key = tcp("2001:db8::1", 80), .scheduler = "rr", .netmask = 64};

    CHECK(encoded({IpvsKind::AddService, service, {}}).ends_with(to_hex(from_hex("0800 0900 40000000"))));
}

TEST_CASE("libmnl reads an operation in the same way") {
    auto service = web();
    service.engine = "sip";
    service.flags = kIpvsPersistent | kIpvsHashed | kIpvsOnePacket;
    std::vector<std::byte> out;
    REQUIRE(append_operation(out, kFamilyId, {IpvsKind::AddService, service, {}}, 1));
    const auto* message = reinterpret_cast<const nlmsghdr*>(out.data());
    REQUIRE(mnl_nlmsg_ok(message, static_cast<int>(out.size())));

    const auto* outer =
        reinterpret_cast<const nlattr*>(static_cast<const char*>(mnl_nlmsg_get_payload_offset(message, GENL_HDRLEN)));
    REQUIRE(mnl_attr_get_type(outer) == IPVS_CMD_ATTR_SERVICE);
    int seen = 0;
    const auto* attribute = static_cast<const nlattr*>(mnl_attr_get_payload(outer));
    const auto* end = reinterpret_cast<const char*>(outer) + mnl_attr_get_len(outer);
    for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
         attribute = mnl_attr_next(attribute)) {
        ++seen;
        switch (mnl_attr_get_type(attribute)) {
            case IPVS_SVC_ATTR_AF:
                CHECK(mnl_attr_get_u16(attribute) == 2);
                break;
            case IPVS_SVC_ATTR_PE_NAME:
                CHECK(std::string{mnl_attr_get_str(attribute)} == "sip");
                break;
            case IPVS_SVC_ATTR_FLAGS: {
                ip_vs_flags flags;
                std::memcpy(&flags, mnl_attr_get_payload(attribute), sizeof flags);
                CHECK(flags.flags == (kIpvsPersistent | kIpvsOnePacket));  // hashed is the kernel's own
                CHECK(flags.mask == 0xffffffff);
                break;
            }
            default:
                break;
        }
    }
    CHECK(seen == 9);
}

TEST_CASE("what the kernel would misread is refused and leaves the batch as it was") {
    auto no_protocol = web(), mixed = web(), nameless = web(), long_name = web(), long_engine = web();
    no_protocol.key.protocol = 0;
    mixed.key.family = Family::V6;
    nameless.scheduler = "";
    long_name.scheduler = "sixteen-letters!";
    long_engine.engine = "sixteen-letters!";
    auto other_family = server();
    other_family.endpoint.address = *IpAddress::parse("2001:db8::1");

    std::vector<std::byte> batch{std::byte{1}};
    for (const auto& operation :
         {IpvsOperation{IpvsKind::AddService, {}, {}}, IpvsOperation{IpvsKind::AddService, no_protocol, {}},
          IpvsOperation{IpvsKind::DeleteService, mixed, {}}, IpvsOperation{IpvsKind::AddService, nameless, {}},
          IpvsOperation{IpvsKind::SetService, long_name, {}}, IpvsOperation{IpvsKind::AddService, long_engine, {}},
          IpvsOperation{IpvsKind::AddDestination, web(), {}},
          IpvsOperation{IpvsKind::AddDestination, web(), other_family}}) {
        const auto refused = append_operation(batch, kFamilyId, operation, 1);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Errc::Invalid);
        CHECK(batch.size() == 1);
    }
    other_family.forwarding = 2;  // a tunnel may lead anywhere
    CHECK(append_operation(batch, kFamilyId, {IpvsKind::AddDestination, web(), other_family}, 1));
}

TEST_CASE("the longest operation still fits its message") {
    IpvsService service{
        .key = tcp("2001:db8::1", 80), .scheduler = "fifteen-letters", .netmask = 128, .engine = "fifteen-letters"};

    CHECK(encoded({IpvsKind::AddService, service, {}}).size() / 2 < 200);
}

TEST_CASE("dumps and the flush are asked for by command and, for destinations, by the service's key") {
    std::vector<std::byte> out;
    append_service_dump(out, kFamilyId, 1);
    append_flush(out, kFamilyId, 2);
    append_info_query(out, kFamilyId, 3);
    REQUIRE(append_destination_dump(out, kFamilyId, web().key, 4));

    CHECK(to_hex(out) == to_hex(from_hex("14000000 1d00 0103 01000000 00000000 04010000"
                                         "14000000 1d00 0500 02000000 00000000 11010000"
                                         "14000000 1d00 0100 03000000 00000000 0f010000"
                                         "38000000 1d00 0103 04000000 00000000 08010000 2400 0180" +
                                         kKey)));
    CHECK_FALSE(append_destination_dump(out, kFamilyId, {}, 5));
}

TEST_CASE("the family's number is asked for by name and read from the answer") {
    CHECK(to_hex(encode_family_query("IPVS", 1)) ==
          to_hex(from_hex("20000000 1000 0100 01000000 00000000 03010000 0900 0200 4950565300 000000")));

    const auto answer = from_hex("01020000 0900 0200 4950565300 000000 0600 0100 1c00 0000 0800 0300 01000000");
    const auto id = decode_family(message_of(GENL_ID_CTRL, answer));
    REQUIRE(id);
    CHECK(*id == 0x1c);
    CHECK_FALSE(decode_family(message_of(GENL_ID_CTRL, from_hex("01020000 0900 0200 4950565300 000000"))));
    CHECK_FALSE(decode_family(message_of(GENL_ID_CTRL, from_hex("01020000 0600 0100 0000 0000"))));
    CHECK(survives_damage(GENL_ID_CTRL, answer, [](const Message& m) { return decode_family(m).has_value(); }) > 10);
}

TEST_CASE("a service is read from a dump, with its 64-bit counters and without the kernel's own flag") {
    const auto payload = from_hex(kServiceDump);

    const auto entry = decode_service(message_of(kFamilyId, payload));

    REQUIRE(entry);
    CHECK(entry->service == IpvsService{.key = {.family = Family::V6,
                                                .fwmark = 0,
                                                .protocol = 17,
                                                .address = *IpAddress::parse("fd00::1"),
                                                .port = 53},
                                        .scheduler = "rr",
                                        .flags = 0,
                                        .timeout_s = 0,
                                        .netmask = 128,
                                        .engine = ""});
    CHECK(entry->stats == IpvsStats{.connections = 0x100000001,
                                    .in_packets = 2,
                                    .out_packets = 3,
                                    .in_bytes = 4,
                                    .out_bytes = 5,
                                    .cps = 6,
                                    .in_pps = 7,
                                    .out_pps = 8,
                                    .in_bps = 9,
                                    .out_bps = 10});
}

TEST_CASE("an old kernel's 32-bit counters are read where there are no others") {
    auto payload = from_hex(kServiceDump);
    payload[payload.size() - 160 + 2] = std::byte{63};  // IPVS_SVC_ATTR_STATS64 becomes an unknown attribute

    const auto entry = decode_service(message_of(kFamilyId, payload));

    REQUIRE(entry);
    CHECK(entry->stats == IpvsStats{.connections = 1,
                                    .in_packets = 2,
                                    .out_packets = 3,
                                    .in_bytes = 4,
                                    .out_bytes = 5,
                                    .cps = 6,
                                    .in_pps = 7,
                                    .out_pps = 8,
                                    .in_bps = 9,
                                    .out_bps = 10});
}

TEST_CASE("what was asked for is what is read back") {
    IpvsService marked{.key = {.family = Family::V4, .fwmark = 7},
                       .scheduler = "mh",
                       .flags = 0x18,
                       .timeout_s = 0,
                       .netmask = 0xffffffff,
                       .engine = "sip"};
    for (const auto& service : {web(), marked}) {
        std::vector<std::byte> out;
        REQUIRE(append_operation(out, kFamilyId, {IpvsKind::AddService, service, {}}, 1));
        MessageReader reader{out};
        const auto message = reader.next();
        REQUIRE(message);

        const auto entry = decode_service(**message);

        REQUIRE(entry);
        CHECK(entry->service == service);
    }
}

TEST_CASE("a destination is read from a dump, its address cut to the family's length") {
    const auto payload = from_hex(destination_dump("0600 0b00 0200 0000"));

    const auto entry = decode_destination(message_of(kFamilyId, payload), Family::V6);

    REQUIRE(entry);
    CHECK(entry->destination == server());
    CHECK(entry->active == 1);
    CHECK(entry->inactive == 2);
    CHECK(entry->persistent == 3);
    CHECK(entry->stats == IpvsStats{});
}

TEST_CASE("a destination without a family has its service's") {
    const auto payload = from_hex(destination_dump(""));

    const auto entry = decode_destination(message_of(kFamilyId, payload), Family::V4);

    REQUIRE(entry);
    CHECK(entry->destination.endpoint.to_string() == "10.0.1.11:8080");
}

TEST_CASE("an IPv6 prefix length is read in host order and a netmask in network order") {
    std::vector<std::byte> out;
    REQUIRE(append_operation(
        out, kFamilyId, {IpvsKind::AddService, {.key = tcp("2001:db8::1", 80), .scheduler = "rr", .netmask = 64}, {}},
        1));
    MessageReader reader{out};
    const auto message = reader.next();
    REQUIRE(message);

    CHECK(decode_service(**message)->service.netmask == 64);
}

TEST_CASE("answers of another kind or without a key are errors") {
    CHECK_FALSE(decode_service(message_of(kFamilyId, from_hex(destination_dump("")))));
    CHECK_FALSE(decode_destination(message_of(kFamilyId, from_hex(kServiceDump)), Family::V4));
    CHECK_FALSE(decode_service(message_of(kFamilyId, from_hex("01010000"))));
    CHECK_FALSE(decode_service(message_of(kFamilyId, from_hex("01010000 0c00 0100 0600 0100 0200 0000"))));
    CHECK_FALSE(decode_service(message_of(kFamilyId, from_hex("01010000 0c00 0100 0800 0500 05000000"))));
    CHECK_FALSE(
        decode_destination(message_of(kFamilyId, from_hex("05010000 0c00 0200 0600 0200 0050 0000")), Family::V4));
}

TEST_CASE("damaged dumps never read outside") {
    CHECK(survives_damage(kFamilyId, from_hex(kServiceDump),
                          [](const Message& m) { return decode_service(m).has_value(); }) > 300);
    CHECK(survives_damage(kFamilyId, from_hex(destination_dump("0600 0b00 0200 0000")),
                          [](const Message& m) { return decode_destination(m, Family::V4).has_value(); }) > 100);
}

TEST_CASE("what the kernel refuses has keepalived's line") {
    CHECK(line_of_refusal({IpvsKind::AddService, web(), {}}, ENOENT) ==
          "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)");
    CHECK(line_of_refusal({IpvsKind::SetService, {.key = tcp("fd00::1", 80)}, {}}, ENOENT) ==
          "IPVS cmd IP_VS_SO_SET_EDIT(1155) error: Scheduler or persistence engine not found(2) (fd00::1:tcp:80)");
    CHECK(line_of_refusal({IpvsKind::DeleteService, web(), {}}, EPERM) ==
          "IPVS cmd IP_VS_SO_SET_DEL(1156) error: Operation not permitted(1) (10.0.0.1:tcp:80)");
    IpvsService marked;
    marked.key = {.family = Family::V4, .fwmark = 5};
    CHECK(line_of_refusal({IpvsKind::AddDestination, marked, server()}, ENOMEM) ==
          "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Cannot allocate memory(12) (Fwm 5 -> 10.0.1.11:8080)");
    CHECK(line_of_refusal({IpvsKind::DeleteDestination, web(), server()}, EBUSY) ==
          "IPVS cmd IP_VS_SO_SET_DELDEST(1160) error: Device or resource busy(16) (10.0.0.1:tcp:80 -> 10.0.1.11:8080)");
    CHECK(line_of_refusal({IpvsKind::SetDestination, web(), server()}, EINVAL) ==
          "IPVS cmd IP_VS_SO_SET_EDITDEST(1161) error: Invalid argument(22) (10.0.0.1:tcp:80 -> 10.0.1.11:8080)");
}

TEST_CASE("services and operations have names for people") {
    CHECK(describe(web().key) == "TCP 10.0.0.1:80");
    CHECK(describe(tcp("2001:db8::1", 443)) == "TCP [2001:db8::1]:443");
    CHECK(describe(IpvsServiceKey{.family = Family::V4, .fwmark = 5}) == "FWM 5");
    CHECK(describe(IpvsServiceKey{.family = Family::V6, .fwmark = 5}) == "FWM 5 IPv6");
    CHECK(describe({IpvsKind::AddDestination, web(), server()}) == "add TCP 10.0.0.1:80 -> 10.0.1.11:8080");
    CHECK(describe({IpvsKind::SetService, web(), {}}) == "change TCP 10.0.0.1:80");
    CHECK(describe({IpvsKind::DeleteDestination, web(), server()}) == "delete TCP 10.0.0.1:80 -> 10.0.1.11:8080");
}
