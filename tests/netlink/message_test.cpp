#include "mainstay/netlink/message.hpp"

#include <doctest/doctest.h>
#include <linux/netlink.h>

#include <cerrno>

#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

TEST_CASE("a datagram is split into its messages, whatever their lengths") {
    // 18 bytes (two of payload, two of padding), then an empty one.
    const auto datagram = from_hex(
        "12000000 1000 0200 05000000 07000000 abcd 0000"
        "10000000 0300 0000 06000000 00000000");
    MessageReader reader{datagram};

    const auto first = reader.next();
    REQUIRE(first);
    REQUIRE(first->has_value());
    CHECK((*first)->type == 16);
    CHECK((*first)->flags == NLM_F_MULTI);
    CHECK((*first)->sequence == 5);
    CHECK((*first)->port == 7);
    CHECK(to_hex((*first)->payload) == "abcd");
    const auto second = reader.next();
    REQUIRE(second);
    REQUIRE(second->has_value());
    CHECK((*second)->type == NLMSG_DONE);
    CHECK((*second)->payload.empty());
    const auto end = reader.next();
    REQUIRE(end);
    CHECK_FALSE(end->has_value());
}

TEST_CASE("a message that claims more or less than there is ends the datagram with an error") {
    for (const char* damaged : {
             "11000000 1000 0200 05000000 00000000",  // one byte more than there is
             "ffffffff 1000 0200 05000000 00000000",
             "0f000000 1000 0200 05000000 00000000",  // less than its own header
             "00000000 1000 0200 05000000 00000000",
             "10000000 1000 0200 05000000 000000",
             "10",
         }) {
        CAPTURE(damaged);
        const auto datagram = from_hex(damaged);
        MessageReader reader{datagram};

        const auto first = reader.next();
        REQUIRE_FALSE(first);
        CHECK(first.error().code() == Errc::Invalid);
        const auto after = reader.next();
        REQUIRE(after);
        CHECK_FALSE(after->has_value());
    }
}

TEST_CASE("a datagram off the 4-byte boundary is refused") {
    const auto datagram = from_hex("00 10000000 1000 0200 05000000 00000000");
    MessageReader reader{std::span{datagram}.subspan(1)};

    CHECK_FALSE(reader.next());
}

TEST_CASE("zero is the only acknowledgement, a refusal keeps its errno") {
    const auto done = from_hex("00000000 24000000 1400 0506 07000000 00000000");
    const auto refused = from_hex("efffffff 24000000 1400 0506 07000000 00000000");

    const auto good = decode_acknowledgement(message_of(NLMSG_ERROR, done, NLM_F_CAPPED));
    REQUIRE(good);
    CHECK(good->sys_errno == 0);
    CHECK(good->sequence == 7);
    const auto bad = decode_acknowledgement(message_of(NLMSG_ERROR, refused, NLM_F_CAPPED));
    REQUIRE(bad);
    CHECK(bad->sys_errno == EEXIST);
}

TEST_CASE("an errno that is none is an error, not an acknowledgement") {
    for (const char* code : {"01000000", "00f0ffff", "00000080", "ffffff7f"}) {
        CAPTURE(code);
        const auto payload = from_hex(std::string{code} + "24000000 1400 0506 07000000 00000000");
        CHECK_FALSE(decode_acknowledgement(message_of(NLMSG_ERROR, payload)));
    }
    CHECK_FALSE(decode_acknowledgement(message_of(NLMSG_ERROR, from_hex("00000000"))));
    CHECK_FALSE(
        decode_acknowledgement(message_of(NLMSG_DONE, from_hex("00000000 24000000 1400 0506 07000000 00000000"))));
}

TEST_CASE("the kernel's text is found behind a capped and behind a whole request") {
    const std::string text = "0a00 0100 6f6f707300 000000";  // NLMSGERR_ATTR_MSG, "oops" and a NUL, ten bytes long
    const auto capped = from_hex("eaffffff 18000000 1400 0506 07000000 00000000" + text);
    const auto whole = from_hex("eaffffff 18000000 1400 0506 07000000 00000000 aaaaaaaa bbbbbbbb" + text);

    const auto short_form = decode_acknowledgement(message_of(NLMSG_ERROR, capped, NLM_F_CAPPED | NLM_F_ACK_TLVS));
    REQUIRE(short_form);
    CHECK(short_form->sys_errno == EINVAL);
    CHECK(short_form->text == "oops");
    const auto long_form = decode_acknowledgement(message_of(NLMSG_ERROR, whole, NLM_F_ACK_TLVS));
    REQUIRE(long_form);
    CHECK(long_form->text == "oops");
}

TEST_CASE("a damaged acknowledgement with text never reads outside") {
    const auto whole =
        from_hex("eaffffff 18000000 1400 0506 07000000 00000000 aaaaaaaa bbbbbbbb 0a00 0100 6f6f707300 000000");

    survives_damage(NLMSG_ERROR, whole, [](Message message) {
        message.flags = NLM_F_ACK_TLVS;
        return decode_acknowledgement(message).has_value();
    });
}

TEST_CASE("the end of a dump contains its result") {
    CHECK(decode_done(message_of(NLMSG_DONE, {})) == 0);
    CHECK(decode_done(message_of(NLMSG_DONE, from_hex("00000000"))) == 0);
    CHECK(decode_done(message_of(NLMSG_DONE, from_hex("fcffffff"))) == EINTR);
    CHECK_FALSE(decode_done(message_of(NLMSG_DONE, from_hex("04000000"))));
    CHECK_FALSE(decode_done(message_of(NLMSG_ERROR, from_hex("00000000"))));
}

TEST_CASE("attributes are found by type, flags and unknown types aside") {
    const auto bytes = from_hex(
        "0500 0100 61 000000"  // 1: one byte
        "0600 0280 abcd 0000"  // 2, marked as nested
        "0800 ff3f 00000000"   // far beyond what is kept
        "0600 0200 1234 0000"  // 2 again: the last counts
        "0700 0300 783300");   // 3: the text "x3", its last padding byte missing
    const auto attributes = Attributes::parse(bytes);

    REQUIRE(attributes);
    CHECK(attributes->value<std::uint8_t>(1) == 0x61);
    CHECK(attributes->value<std::uint16_t>(2) == 0x3412);
    CHECK(attributes->text(3) == "x3");
    CHECK_FALSE(attributes->value<std::uint32_t>(2).has_value());  // too short
    CHECK_FALSE(attributes->bytes(4).has_value());
    CHECK_FALSE(attributes->bytes(0x3fff).has_value());
    CHECK(attributes->text(1) == "a");  // no NUL: up to the attribute's end
}

TEST_CASE("an attribute that runs over the end, or is shorter than its header, is an error") {
    for (const char* damaged : {"0900 0100 61 000000", "0300 0100", "0000 0000", "0400 01", "08"}) {
        CAPTURE(damaged);
        CHECK_FALSE(Attributes::parse(from_hex(damaged)));
    }
}

TEST_CASE("a damaged inner level is an error, an absent one is not") {
    const auto bytes = from_hex("0c00 0180 0900 0100 00000000");
    const auto outer = Attributes::parse(bytes);

    REQUIRE(outer);
    CHECK_FALSE(outer->nested(1));
    const auto absent = outer->nested(2);
    REQUIRE(absent);
    CHECK_FALSE(absent->has_value());
}
