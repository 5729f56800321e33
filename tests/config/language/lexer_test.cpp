#include "mainstay/config/language/lexer.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay::config;

namespace {

struct Silent final : Lexer::Listener {
    bool wants_argument(std::span<const Token> words) override { return words.size() == 1 && words[0].text == "path"; }
    void found(const LexFinding& finding) override { findings.push_back(finding); }
    std::vector<LexFinding> findings;
};

// "a,b;{;}": words joined by commas, statements by semicolons.
std::string shape(std::string_view text, Silent& listener) {
    Lexer lexer{text, listener};
    Statement statement;
    std::string out;
    while (lexer.next(statement)) {
        if (!out.empty()) out += ';';
        if (statement.kind == Statement::Kind::Open) out += '{';
        if (statement.kind == Statement::Kind::Close) out += '}';
        for (std::size_t i = 0; i < statement.words.size(); ++i)
            out += (i == 0 ? "" : ",") + std::string{statement.words[i].text};
    }
    return out;
}
std::string shape(std::string_view text) {
    Silent listener;
    return shape(text, listener);
}

}  // namespace

TEST_CASE("braces end a statement wherever they stand") {
    CHECK(shape("a b {\nc\n}") == "a,b;{;c;}");
    CHECK(shape("a b\n{ c d }") == "a,b;{;c,d;}");
    CHECK(shape("a{b}c") == "a;{;b;};c");
    CHECK(shape("a \"{}\" b") == "a,{},b");
    CHECK(shape("a '{' b") == "a,';{;',b");  // single quotes do not protect
}

TEST_CASE("# and ! begin a comment outside double quotes, even inside a word") {
    CHECK(shape("auth_pass ab#cd ef") == "auth_pass,ab");
    CHECK(shape("a !b\n!c\n#d\ne") == "a;e");
    CHECK(shape("a \"b#c\" d") == "a,b#c,d");
    CHECK(shape("a b\\#c\\!d") == "a,b#c!d");
    CHECK(shape("a 'b#c'") == "a,'b");
}

TEST_CASE("double quotes group a word, and begin a new one in mid-word") {
    CHECK(shape("a \"b c\" d") == "a,b c,d");
    CHECK(shape("a\"b c\"") == "a,b c");
    CHECK(shape("a \"\" b") == "a,,b");
}

TEST_CASE("a double quote left open loses its word and is reported once") {
    Silent listener;
    CHECK(shape("a \"b c\nd \"e\"", listener) == "a;d,e");
    REQUIRE(listener.findings.size() == 1);
    CHECK(listener.findings[0].kind == LexFinding::Kind::UnterminatedQuote);
    CHECK(listener.findings[0].mark == Mark{2, 4});
}

TEST_CASE("// begins a comment, but not where the keyword wants an argument") {
    CHECK(shape("a //b {\nc") == "a;c");
    CHECK(shape("path //b //c") == "path,//b");
    CHECK(shape("a http://b") == "a,http://b");
}

TEST_CASE("a // comment on a line of its own is a statement without words") {
    Silent listener;
    Lexer lexer{"// x { y", listener};
    Statement statement;
    REQUIRE(lexer.next(statement));
    CHECK(statement.words.empty());
    CHECK(statement.slash_comment == Mark{0, 8});
    CHECK_FALSE(lexer.next(statement));
}

TEST_CASE("${NAME} is part of its word") { CHECK(shape("a ${B}c {") == "a,${B}c;{"); }

TEST_CASE("line ends of all kinds and the lack of one are taken") {
    CHECK(shape("a\r\nb\n\n  \t\nc") == "a;b;c");
    CHECK(shape("") == "");
    CHECK(shape("\n") == "");
}

TEST_CASE("a line with a NUL byte and a line that is too long are dropped and reported") {
    Silent listener;
    CHECK(shape(std::string{"a\nb\0c\nd\n", 8} + std::string(1024, 'x') + "\n" + std::string(1023, 'y'), listener) ==
          "a;d;" + std::string(1023, 'y'));
    REQUIRE(listener.findings.size() == 2);
    CHECK(listener.findings[0].kind == LexFinding::Kind::NulByte);
    CHECK(listener.findings[0].mark == Mark{3, 1});
    CHECK(listener.findings[1].kind == LexFinding::Kind::LineTooLong);
}

TEST_CASE("the raw text of a statement keeps quotes and loses the comment") {
    Silent listener;
    Lexer lexer{"  notify \"/x.sh a\" 'u'  # c\n", listener};
    Statement statement;
    REQUIRE(lexer.next(statement));
    CHECK(statement.raw == "notify \"/x.sh a\" 'u'");
}
