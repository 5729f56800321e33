// Both sides of each bound of DNS messages, and every field in its place.
#include <doctest/doctest.h>

#include <string>

#include "dns_text.hpp"
#include "mainstay/wire/dns.hpp"

using namespace mainstay;
using namespace mainstay::wire;
using test::bytes;
using test::read;
using test::u16;
using namespace std::string_literals;

namespace {

std::string reply_header(unsigned questions, unsigned answers, unsigned authorities = 0, unsigned additionals = 0) {
    return u16(7) + u16(0x8180) + u16(questions) + u16(answers) + u16(authorities) + u16(additionals);
}
std::string long_lived_record(const std::string& name, unsigned type, const std::string& data, unsigned klass = 1) {
    return name + u16(type) + u16(klass) + "\x01\x02\x03\x04"s + u16(static_cast<unsigned>(data.size())) + data;
}
std::string label(std::size_t size) { return static_cast<char>(size) + std::string(size, 'a'); }
const std::string kRoot = "\0"s;
std::string question(const std::string& name) { return reply_header(1, 0) + name + u16(28) + u16(1); }
std::string name_of_labels(std::size_t last) { return label(63) + label(63) + label(63) + label(last) + kRoot; }

}  // namespace

TEST_CASE("a query is made byte for byte") {
    const auto text = [](const DnsQuestion& question) {
        const auto query = dns_query(0x1234, question);
        return query ? std::string{reinterpret_cast<const char*>(query->data()), query->size()} : "none"s;
    };
    const std::string head = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
    CHECK(text({"www.Example", DnsType::AAAA}) == head +
                                                      "\x03www\x07"
                                                      "Example\x00\x00\x1c\x00\x01"s);
    CHECK(text({"www.Example.", DnsType::A}) == head +
                                                    "\x03www\x07"
                                                    "Example\x00\x00\x01\x00\x01"s);
    CHECK(text({".", DnsType::NS}) == head + "\x00\x00\x02\x00\x01"s);
}

TEST_CASE("each field of a header is read from its place") {
    const std::string message = "\x12\x34\x83\x85\x00\x01\x00\x02\x00\x03\x00\x04"s;
    const auto found = dns_header(bytes(message));
    REQUIRE(found);
    CHECK(found->id == 0x1234);
    CHECK(found->response);
    CHECK(found->truncated);
    CHECK(found->rcode == 5);
    CHECK(found->questions == 1);
    CHECK(found->answers == 2);
    CHECK(found->authorities == 3);
    CHECK(found->additionals == 4);
    CHECK_FALSE(dns_header(bytes("\0\0\x7d\xff\0\0\0\0\0\0\0\0"s))->response);
    CHECK_FALSE(dns_header(bytes("\0\0\xfd\xff\0\0\0\0\0\0\0\0"s))->truncated);
    CHECK_FALSE(dns_header(bytes(message.substr(0, 11))).has_value());
}

TEST_CASE("each field of a record is read from its place, and the sections are kept apart") {
    const auto answer =
        read(reply_header(1, 1, 1, 1) + label(1) + kRoot + u16(33) + u16(1) +
             long_lived_record(kRoot, 33, u16(0x0102) + u16(0x0304) + u16(0x0506) + label(2) + kRoot) +
             long_lived_record(kRoot, 2, "authority") + long_lived_record(label(3) + kRoot, 1, "\x0a\x01\x02\x03"));
    REQUIRE(answer);
    CHECK(answer->question == "a");
    CHECK(answer->question_type == 33);
    REQUIRE(answer->answers.size() == 1);
    CHECK(answer->answers[0].ttl == 0x01020304);
    CHECK(answer->answers[0].type == 33);
    CHECK(answer->answers[0].priority == 0x0102);
    CHECK(answer->answers[0].weight == 0x0304);
    CHECK(answer->answers[0].port == 0x0506);
    CHECK(answer->answers[0].target == "aa");
    REQUIRE(answer->additionals.size() == 1);
    CHECK(answer->additionals[0].name == "aaa");
    CHECK(answer->additionals[0].address.to_string() == "10.1.2.3");
}

TEST_CASE("a record whose data is cut breaks the answer, whatever its type") {
    const std::string good = reply_header(0, 1) + long_lived_record(kRoot, 999, "anything");
    REQUIRE(read(good).has_value());
    CHECK_FALSE(read(good.substr(0, good.size() - 1)).has_value());
    const std::string lying = reply_header(0, 2) + long_lived_record(kRoot, 999, "anything") + kRoot + u16(999) +
                              u16(1) + "\0\0\0\0"s + u16(1);
    CHECK_FALSE(read(lying).has_value());
    CHECK(read(lying + "x").has_value());
}

TEST_CASE("data beyond what its type needs is passed over") {
    const auto answer = read(reply_header(0, 2) + long_lived_record(kRoot, 5, label(1) + kRoot + "more") +
                             long_lived_record(label(2) + kRoot, 1, "\1\2\3\4"));
    REQUIRE(answer);
    CHECK(answer->answers.at(0).target == "a");
    CHECK(answer->answers.at(1).address.to_string() == "1.2.3.4");
}

TEST_CASE("a name has at most 255 bytes, a label 63") {
    CHECK(read(question(name_of_labels(61))).has_value());
    CHECK_FALSE(read(question(name_of_labels(62))).has_value());
    CHECK_FALSE(read(question("\x40" + std::string(64, 'a') + kRoot)).has_value());
    CHECK_FALSE(read(question("\x80" + std::string(128, 'a') + kRoot)).has_value());
    CHECK(dns_name_fault(std::string(63, 'a')) == DnsFault::None);
    CHECK(dns_name_fault(std::string(64, 'a')) == DnsFault::LongLabel);
    CHECK(dns_name_fault(std::string(63, 'a') + "." + std::string(63, 'b')) == DnsFault::None);
    const std::string long_name =
        std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(60, 'a');
    CHECK(dns_name_fault(long_name + "a") == DnsFault::None);
    CHECK(dns_name_fault(long_name + "aa") == DnsFault::LongName);
    CHECK(dns_name_fault(long_name + "a.") == DnsFault::None);
    CHECK(dns_name_fault("a..b") == DnsFault::EmptyLabel);
}

TEST_CASE("every byte of a name that is no letter, digit, hyphen or underscore is written as a number") {
    CHECK(read(question("\x0a"
                        "aAzZ09-_@[" +
                        kRoot))
              ->question == R"(aazz09-_\064\091)");
    CHECK(read(question("\x04`{/:" + kRoot))->question == R"(\096\123\047\058)");
    CHECK(read(question("\x02\x80\xff" + kRoot))->question == R"(\128\255)");
}

TEST_CASE("a name follows 32 pointers, each further back, and goes on behind the first") {
    // A label, then a chain of pointers in the data of records of an unknown type: each leads to the one before it.
    const auto chain = [](unsigned pointers) {
        std::string message = reply_header(0, pointers);
        std::string name = label(1) + kRoot;
        std::size_t at = message.size();
        for (unsigned i = 1; i < pointers; ++i) {
            message += long_lived_record(name, 999, "");
            name = u16(static_cast<unsigned>(0xc000 + at));
            at = message.size();
        }
        return message + long_lived_record(name, 1, "\1\2\3\4");
    };
    const auto most = read(chain(33));  // the last name: 32 pointers
    REQUIRE(most);
    CHECK(most->answers.back().name == "a");
    CHECK(most->answers.back().address.to_string() == "1.2.3.4");
    CHECK_FALSE(read(chain(34)).has_value());

    const std::string prefixed = question(label(2) + kRoot);
    const auto two =
        read(reply_header(1, 1) + prefixed.substr(12) + long_lived_record(label(1) + "\xc0\x0c"s, 1, "\1\2\3\4"));
    CHECK(two->answers.at(0).name == "a.aa");
    CHECK_FALSE(
        read(reply_header(1, 1) + prefixed.substr(12) + long_lived_record("\xc0\x14"s, 1, "\1\2\3\4")).has_value());
}

TEST_CASE("an answer has at most one question and 1024 records in all its sections") {
    const std::string small = long_lived_record(kRoot, 999, "");
    std::string records;
    for (int i = 0; i < 1024; ++i) records += small;
    CHECK(read(reply_header(0, 1000, 14, 10) + records)->answers.size() == 1000);
    CHECK(read(reply_header(0, 1000, 15, 10) + records + small).error().code() == Errc::Limit);
    CHECK(read(reply_header(0, 1, 1, 1023)).error().code() == Errc::Limit);
    CHECK(read(reply_header(1, 0) + kRoot + u16(1) + u16(1)).has_value());
    CHECK(read(reply_header(2, 0) + kRoot + u16(1) + u16(1) + kRoot + u16(1) + u16(1)).error().code() == Errc::Invalid);
    CHECK(read("short").error().code() == Errc::Invalid);
}

TEST_CASE("an address is found along 16 aliases, not along 17, and a loop ends") {
    const auto chain = [](unsigned aliases) {
        std::string message = reply_header(0, aliases + 1);
        for (unsigned i = 1; i <= aliases; ++i) message += long_lived_record(label(i) + kRoot, 5, label(i + 1) + kRoot);
        return *read(message + long_lived_record(label(aliases + 1) + kRoot, 1, "\1\2\3\4"));
    };
    CHECK(dns_addresses(chain(16), "a").size() == 1);
    CHECK(dns_addresses(chain(17), "a").empty());
    const auto loop = read(reply_header(0, 1) + long_lived_record(label(1) + kRoot, 5, label(1) + kRoot));
    CHECK(dns_addresses(*loop, "a").empty());
    const auto other =
        read(reply_header(0, 1) + long_lived_record(label(1) + kRoot, 33, u16(1) + u16(1) + u16(1) + label(2) + kRoot));
    CHECK(other->answers.at(0).target == "aa");
    CHECK(dns_addresses(*other, "a").empty());
}

TEST_CASE("the codes of an answer have names up to REFUSED") {
    CHECK(dns_rcode_text(0) == "NOERROR");
    CHECK(dns_rcode_text(3) == "NXDOMAIN");
    CHECK(dns_rcode_text(5) == "REFUSED");
    CHECK(dns_rcode_text(6).empty());
    CHECK(dns_type("a") == DnsType::A);
    CHECK(dns_type("DnsKey") == DnsType::DNSKEY);
    CHECK_FALSE(dns_type("AA").has_value());
}
