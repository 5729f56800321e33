"""C++ source as tokens, with what a planter of faults wants to know of each: which bracket belongs to which, and whether
it stands in code that runs.

It reads this repository's style (clang-format's: a binary operator has spaces around it, a template's bracket has none),
not the language. What it takes for code wrongly does not compile and is left out later.
"""

import bisect
import re

TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.)*(?:\\\n[^\n]*)*)
  | (?P<string>(?:u8|L|u|U)?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"\w*|(?:u8|L|u|U)?"(?:[^"\\\n]|\\.)*"\w*|(?:u8|L)?'(?:[^'\\\n]|\\.)+')
  | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark2><=>|<<=|>>=|\.\.\.|->\*|::|->|\+\+|--|&&|\|\||[-+*/%&|^!=<>]=|<<|[-+*/%&|^~!=<>?:;,.(){}\[\]])
""", re.VERBOSE | re.DOTALL | re.MULTILINE)
CLOSES = {"(": ")", "[": "]", "{": "}"}
BEFORE_BODY = {")", "else", "do", "try", "mutable", "const", "noexcept", "override", "final", "]", ";", "&&"}
# What follows these is worked out by the compiler, or is no expression.
COMPILED = {"static_assert", "sizeof", "decltype", "alignof", "noexcept", "requires"}


class Token:
    def __init__(self, kind, text, begin):
        self.kind, self.text, self.begin, self.end = kind, text, begin, begin + len(text)
        self.partner = None  # the index of the bracket that belongs to this one
        self.brace = None  # of a `{`: code, type, namespace or list
        self.inside = None  # index of the innermost bracket around it
        self.runs = False


class Source:
    """One file. tokens[i].runs says that faults may stand there."""

    def __init__(self, text):
        self.text = text
        self.tokens = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                at += 1
                continue
            kind = found.lastgroup if found.lastgroup != "mark" else "string"
            if found.group("string"):
                kind = "string"
            if kind != "skip":
                self.tokens.append(Token(kind, found.group(0), at))
            at = found.end()
        self.starts = [token.begin for token in self.tokens]
        self.lines = [0] + [found.end() for found in re.finditer("\n", text)]
        self._match_brackets()
        self._find_code()
        self._leave_out_compiled()

    def line_of(self, position):
        return bisect.bisect_right(self.lines, position)

    def is_text(self, index, *texts):
        return 0 <= index < len(self.tokens) and self.tokens[index].text in texts

    def function_at(self, position):
        """The name of the function around a place in code, as its head has it: `Judge::Impl::start`."""
        at = bisect.bisect_right(self.starts, position) - 1
        body = None
        while at is not None:
            if self.tokens[at].brace == "code":
                body = at
            at = self.tokens[at].inside
        parameters = None
        at = body - 1
        while at >= 0 and not self._ends_before_head(at):
            if self.tokens[at].partner is not None and self.tokens[at].partner < at:
                at = self.tokens[at].partner
                if self.tokens[at].text == "(" and self.tokens[at - 1].kind == "word":
                    parameters = at
            at -= 1
        end = begin = parameters if parameters is not None else body
        while self.tokens[begin - 1].kind == "word" and (begin == end or self.tokens[begin].text == "::") or (
                self.tokens[begin - 1].text == "::" and begin != end):
            begin -= 1
        return "".join(token.text for token in self.tokens[begin:end])

    def _ends_before_head(self, index):
        token = self.tokens[index]
        if token.text == "}" and token.partner is not None:
            return self.tokens[token.partner].brace != "list"
        return token.text in (";", "{")

    def spaced(self, index):
        """A binary operator by this repository's style: space or a line's end on both sides."""
        token = self.tokens[index]
        return self.text[token.begin - 1].isspace() and self.text[token.end].isspace()

    def _match_brackets(self):
        open_ = []
        for index, token in enumerate(self.tokens):
            if token.text in CLOSES.values() and token.kind == "mark2" and open_:
                token.partner = open_.pop()
                self.tokens[token.partner].partner = index
            token.inside = open_[-1] if open_ else None
            if token.text in CLOSES and token.kind == "mark2":
                open_.append(index)

    def _find_code(self):
        for index, token in enumerate(self.tokens):
            if token.text == "{" and token.kind == "mark2":
                token.brace = self._kind_of_brace(index)
            outer = token.inside
            while outer is not None and self.tokens[outer].brace != "code":
                outer = self.tokens[outer].inside
            token.runs = outer is not None

    def _around(self, index):
        """The kind of the brace around this token, or namespace at the top."""
        outer = self.tokens[index].inside
        return "namespace" if outer is None else (self.tokens[outer].brace or "bracket")

    def _kind_of_brace(self, index):
        before = self.tokens[index - 1].text if index else ";"
        around = self._around(index)
        if self._is_return_type(index):
            return "code"
        if self._is_array(index):
            return "list"
        head = self._head(index)
        if "namespace" in head[:2]:
            return "namespace"
        if {"struct", "class", "enum", "union"} & set(head) and "(" not in head and around != "bracket":
            return "type"
        if before in BEFORE_BODY:
            return "code"
        if before in ("}", "{", ":"):
            if around == "code":
                return "code"
            return "code" if before == "}" and around in ("namespace", "type") else "list"
        return "list"

    def _head(self, index):
        """The words from the statement's begin to here."""
        begin = index - 1
        while begin >= 0 and self.tokens[begin].text not in (";", "}", "{"):
            begin -= 1
        return [token.text for token in self.tokens[begin + 1:index]]

    def _is_array(self, index):
        """`kRows[]{`; a lambda's brackets follow no name."""
        bracket = self.tokens[index - 1].partner if index and self.is_text(index - 1, "]") else None
        return bool(bracket) and self.tokens[bracket - 1].kind == "word" and not self.is_text(bracket - 1, "return", "co_return")

    def _is_return_type(self, index):
        """`-> std::optional<X> {`"""
        at = index - 1
        while at >= 0 and (self.tokens[at].kind == "word" or self.tokens[at].text in ("::", "<", ">", ",", "*", "&", ">>")):
            at -= 1
        return at >= 0 and self.tokens[at].text == "->" and self.is_text(at - 1, ")", "mutable", "noexcept")

    def _leave_out(self, begin, end):
        for token in self.tokens[begin:end + 1]:
            token.runs = False

    def _leave_out_compiled(self):
        for index, token in enumerate(self.tokens):
            following = index + 1
            if token.text in COMPILED and self.is_text(following, "("):
                self._leave_out(index, self.tokens[following].partner or following)
            elif token.text == "if" and self.is_text(following, "constexpr"):
                self._leave_out(index, self.tokens[following + 1].partner or following)
            elif token.text == "[" and self.is_text(following, "["):
                self._leave_out(index, token.partner or index)
            elif token.text == "case":
                self._leave_out(index, self._next(index, ":"))
            elif token.text in ("constexpr", "consteval", "using", "template", "operator", "goto") and token.runs:
                self._leave_out(index, self._next(index, ";"))

    def _next(self, index, text):
        while index < len(self.tokens) - 1 and self.tokens[index].text != text:
            index = self.tokens[index].partner if self.tokens[index].text in CLOSES and self.tokens[index].partner else index
            index += 1
        return index
