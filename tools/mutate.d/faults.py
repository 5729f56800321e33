"""The small faults that could be planted in one file.

Each is a range of the text and what would stand there instead. `whole` says that the range is a statement; other ranges
are expressions. Which of them compile is found out by compiling.
"""

import hashlib
import re

from tokens import CLOSES, Source

OPPOSITE = {"==": "!=", "!=": "=="}
NEIGHBOUR = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
REVERSED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
OTHER_WORD = {"true": "false", "false": "true"}
STOPS = {",", ";", "&&", "||", "?", ":", "=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "<<=", ">>=", "return", "co_return",
         "==", "!=", "<", ">", "<=", ">=", "<=>", "throw", "else", "do", "case"}
# What a statement that could be left out does not begin with.
NOT_DROPPED = {"return", "co_return", "auto", "const", "constexpr", "static", "using", "if", "else", "for", "while", "do", "switch",
               "case", "default", "struct", "class", "enum", "union", "throw", "try", "catch", "typedef", "goto", "unsigned", "signed",
               "int", "char", "bool", "double", "float", "long", "short", "void", "template", "public", "private", "protected",
               "friend", "extern", "mutable", "explicit", "virtual", "static_assert", "namespace", "thread_local"}
RESET = re.compile(r"^[\w.\->\[\]:()*]+\s*(=\s*(\{\}|0|false|true|std::nullopt|nullptr|-1)|\.reset\(\)|\.clear\(\))\s*;$")
# Room made in advance: without it everything is the same.
CHANGES_NOTHING = re.compile(r"\.(reserve|shrink_to_fit)\(")
# Of two arguments each may stand in either place.
SYMMETRIC = {"std::min(", "std::max(", "std::ranges::equal(", "same(", "same_letters(", "same_probe(", "same_question(",
             "same_rest("}
NUMBER = re.compile(r"^\d[\d']*([uUlL]*|[uU]?z|s|ms|us|ns|min|h)$")
EMPTY = re.compile(r"^[\w:]+\{0?\}$")  # `Micros{0}` is what `{}` would be
# Ranges that hold these cannot stand in an arm of a conditional expression.
NO_ARM = {"co_await", "co_yield", "co_return", "return", "throw", "auto", "const", "static"}


class Fault:
    def __init__(self, source, file, kind, begin, end, becomes, whole):
        self.file, self.kind, self.begin, self.end, self.becomes, self.whole = file, kind, begin, end, becomes, whole
        text = source.text
        line_begin = text.rfind("\n", 0, begin) + 1
        line_end = text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        self.line = source.line_of(begin)
        self.was = " ".join(text[line_begin:line_end].split())
        self.now = " ".join((text[line_begin:begin] + becomes + text[end:line_end]).split())
        self.function = source.function_at(begin)
        self.number, self.of = 0, 0  # among those of its kind in its function
        self.id = hashlib.sha256(f"{file}\0{kind}\0{self.was}\0{self.now}".encode()).hexdigest()[:8]

    def key(self):
        """Whatever its line says: a reworded one keeps its row in equivalent.txt."""
        return self.file, f"{self.function}: {self.kind}" + (f" {self.number} of {self.of}" if self.of > 1 else "")


class Finder:
    def __init__(self, file, text):
        self.file = file
        self.source = Source(text)
        self.tokens = self.source.tokens
        self.found = []

    def all(self):
        for index, token in enumerate(self.tokens):
            if not token.runs:
                continue
            if token.kind == "mark2":
                self._mark(index, token.text)
            elif token.kind == "number" or token.text in OTHER_WORD:
                self._constant(index, token.text)
            elif token.text in ("if", "while"):
                self._condition(index)
            if self._begins_statement(index):
                self._statement(index)
        unique = {}
        for fault in self.found:
            unique.setdefault((fault.begin, fault.end, fault.becomes), fault)
        self._number(unique.values())
        return list(unique.values())

    @staticmethod
    def _number(faults):
        alike = {}
        for fault in sorted(faults, key=lambda fault: (fault.begin, fault.end, fault.becomes)):
            alike.setdefault((fault.function, fault.kind), []).append(fault)
        for some in alike.values():
            for number, fault in enumerate(some, 1):
                fault.number, fault.of = number, len(some)

    def _text(self, first, last):
        return self.source.text[self.tokens[first].begin:self.tokens[last].end]

    def _add(self, kind, first, last, becomes, whole=False):
        if first > last or not all(self.tokens[at].runs for at in (first, last)):
            return
        if not whole and any(token.text in NO_ARM for token in self.tokens[first:last + 1]):
            return
        self.found.append(Fault(self.source, self.file, kind, self.tokens[first].begin, self.tokens[last].end, becomes, whole))

    # ---- expressions ----

    def _left(self, index):
        """The first token of the operand before this operator."""
        at = index - 1
        while at >= 0:
            token = self.tokens[at]
            if token.text in (")", "]", "}") and token.kind == "mark2" and token.partner is not None:
                if token.text == "}" and self.tokens[token.partner].brace != "list":
                    break
                at = token.partner - 1
                continue
            if token.kind == "mark2" and token.text in CLOSES:
                break
            if token.text in STOPS and (token.text not in ("<", ">") or self.source.spaced(at)):
                break
            at -= 1
        return at + 1

    def _right(self, index):
        at = index + 1
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.kind == "mark2" and token.text in CLOSES and token.partner is not None:
                at = token.partner + 1
                continue
            if token.kind == "mark2" and token.text in CLOSES.values():
                break
            if token.text in STOPS and (token.text not in ("<", ">") or self.source.spaced(at)):
                break
            at += 1
        return at - 1

    def _mark(self, index, text):
        if text in OPPOSITE or (text in NEIGHBOUR and self.source.spaced(index)):
            self._comparison(index, text)
        elif text in ("&&", "||") and self.source.spaced(index):
            self._both(index, text)
        elif text == "!":
            # Twice, not without: beside a bool, an optional that is bare would make one of the bool too.
            self._add("negation", index, self._operand_end(index + 1), "!" + self._text(index, self._operand_end(index + 1)))
        elif text in ("+", "-") and self.source.spaced(index):
            self._replace_binary("constant", index, "-" if text == "+" else "+")
        elif text == "(":
            self._call(index)

    def _comparison(self, index, text):
        if text in OPPOSITE:
            self._replace_binary("comparison", index, OPPOSITE[text])
        else:
            self._replace_binary("boundary", index, NEIGHBOUR[text])
            self._replace_binary("comparison", index, REVERSED[text])

    def _replace_binary(self, kind, index, operator):
        first, last = self._left(index), self._right(index)
        if first < index < last + 1 and last > index:
            token = self.tokens[index]
            becomes = self.source.text[self.tokens[first].begin:token.begin] + operator + self.source.text[token.end:self.tokens[last].end]
            self._add(kind, first, last, becomes)

    def _both(self, index, text):
        """`a && b`: the other operator, and each side without the other. A chain is taken at this operator."""
        first, last = self._left_of_logic(index), self._right_of_logic(index)
        if first >= index or last <= index:
            return
        left, right = self._text(first, index - 1), self._text(index + 1, last)
        self._add("negation", first, last, f"({left}) {'||' if text == '&&' else '&&'} ({right})")
        self._add("negation", first, last, left)
        self._add("negation", first, last, right)

    def _left_of_logic(self, index):
        at = self._left(index)
        while at > 0 and self.tokens[at - 1].text in ("==", "!=", "<", ">", "<=", ">=") and at - 1 > 0:
            at = self._left(at - 1)
        return at

    def _right_of_logic(self, index):
        at = self._right(index)
        while at + 1 < len(self.tokens) and self.tokens[at + 1].text in ("==", "!=", "<", ">", "<=", ">="):
            at = self._right(at + 1)
        return at

    def _operand_end(self, at):
        """The end of what a `!` before this token applies to."""
        while at < len(self.tokens) - 1:
            token = self.tokens[at]
            if token.kind == "mark2" and token.text in CLOSES and token.partner is not None:
                at = token.partner
            following = self.tokens[at + 1].text
            if following in (".", "->", "::"):
                at += 2
            elif following in ("(", "[") and self.tokens[at + 1].kind == "mark2":
                at += 1
            elif token.text in ("*", "!", "-", "&") and at == self.tokens.index(token):
                at += 1
            else:
                return at
        return at

    def _constant(self, index, text):
        if text in OTHER_WORD:
            self._add("constant", index, index, OTHER_WORD[text])
            return
        if not NUMBER.match(text) or self.source.is_text(index - 1, "<"):
            return
        if self.source.is_text(index - 1, "(") and self.source.is_text(index - 2, "reserve"):
            return
        digits = re.match(r"[\d']+", text).group(0)
        value = int(digits.replace("'", ""), 8 if digits.startswith("0") and len(digits) > 1 else 10)
        self._add("constant", index, index, f"{value + 1}{text[len(digits):]}")

    def _condition(self, index):
        """`if (a)` becomes `if (!(a))`; a declaration before it stays."""
        opening = index + 1
        if not self.source.is_text(opening, "(") or self.tokens[opening].partner is None:
            return
        first, last = opening + 1, self.tokens[opening].partner - 1
        inner = [at for at in range(first, last + 1) if self.tokens[at].inside == opening]
        semicolons = [at for at in inner if self.tokens[at].text == ";"]
        if semicolons:
            first = semicolons[-1] + 1
        if any(self.tokens[at].text == "=" for at in inner if at >= first):
            return
        self._add("negation", first, last, f"!({self._text(first, last)})")

    def _call(self, index):
        """`f(a, b)` becomes `f(b, a)`: each pair of neighbours."""
        if self.tokens[index - 1].kind != "word" or self.tokens[index - 1].text in ("if", "while", "for", "switch", "return", "catch"):
            return
        close = self.tokens[index].partner
        if self._text(self._callee_begin(index), index) in SYMMETRIC:
            return
        commas = [at for at in range(index + 1, close or index) if self.tokens[at].text == "," and self.tokens[at].inside == index]
        if not commas or len(commas) > 7:
            return
        first = self._callee_begin(index)
        before = self.tokens[first - 1]
        if before.kind == "word" and before.text not in ("return", "co_return", "co_await", "else", "do") or before.text in (">", "&", "*"):
            return
        edges = [index, *commas, close]
        parts = [self._text(edges[at] + 1, edges[at + 1] - 1) for at in range(len(edges) - 1) if edges[at] + 1 <= edges[at + 1] - 1]
        if len(parts) != len(edges) - 1:
            return
        for at in range(len(parts) - 1):
            if parts[at] == parts[at + 1]:
                continue
            swapped = parts[:at] + [parts[at + 1], parts[at]] + parts[at + 2:]
            self._add("swapped", first, close, self._text(first, index) + ", ".join(swapped) + ")")

    def _callee_begin(self, index):
        at = index - 1
        while at > 0:
            before = self.tokens[at - 1]
            if before.text in ("::", ".", "->"):
                at -= 1
            elif self.tokens[at].text in ("::", ".", "->") and before.kind == "word":
                at -= 1
            elif self.tokens[at].text in (".", "->") and before.text in (")", "]") and before.partner is not None:
                at = before.partner
            elif self.tokens[at].text in ("(", "[") and self.tokens[at].kind == "mark2" and before.kind == "word":
                at -= 1
            else:
                return at
        return at

    # ---- statements ----

    def _begins_statement(self, index):
        token, before = self.tokens[index], self.tokens[index - 1]
        if token.inside is None or self.tokens[token.inside].brace != "code" or token.text in ("}", "{", ";", ")", "]", "else"):
            return False
        if before.text == ")" and before.partner is not None:
            return self.source.is_text(before.partner - 1, "if", "for", "while", "constexpr")
        return before.text in (";", "{", "}", "else", "do") and not (before.text == "}" and self.tokens[before.partner].brace == "list")

    def _statement_end(self, index):
        at = index
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.text == ";":
                return at
            if token.kind == "mark2" and token.text in CLOSES and token.partner is not None:
                if token.brace == "code" and self.tokens[at].inside == self.tokens[index].inside and not self._is_lambda(at):
                    return None
                at = token.partner
            elif token.text == "}":
                return None
            at += 1
        return None

    def _is_lambda(self, brace):
        at = brace - 1
        while at >= 0 and self.tokens[at].kind == "word" or self.tokens[at].text in ("::", "->", "<", ">", "&", "*"):
            at -= 1
        if self.tokens[at].text == ")":
            at = (self.tokens[at].partner or at) - 1
        return self.tokens[at].text == "]"

    def _statement(self, index):
        end = self._statement_end(index)
        if end is None:
            return
        text = self._text(index, end)
        token = self.tokens[index]
        if token.text == "return" or token.text == "co_return":
            self._return(index, end)
            return
        if token.text in NOT_DROPPED or self._declares(index, end) or CHANGES_NOTHING.search(text):
            return
        self._add("reset" if RESET.match(text) else "dropped", index, end, ";", whole=True)
        if token.text not in ("break", "continue", "co_await"):
            self._add("early", index, end, self._leaving(index), whole=True)

    def _return(self, index, end):
        if end > index + 1 and self.tokens[index].text == "return":
            value = self._text(index + 1, end - 1)
            if value not in ("true", "false", "{}", "std::nullopt", "nullptr", "0", "*this") and not EMPTY.match(value):
                self._add("early", index, end, "return {};", whole=True)

    def _leaving(self, index):
        """What leaves the function around this statement early."""
        outer = self.tokens[index].inside
        while True:
            head = self.source._head(outer)
            function = not ({"if", "for", "while", "switch", "else", "do", "try", "catch"} & set(head[:2])) and bool(head)
            above = self.tokens[outer].inside
            if function or above is None:
                break
            outer = above
        close = self.tokens[outer].partner
        inside = {token.text for token in self.tokens[outer:close] if token.text in ("co_await", "co_return")}
        word = "co_return" if inside else "return"
        own = [at for at in range(outer, close) if self.tokens[at].text == word and self.tokens[at + 1].text != ";"]
        return f"{word} {{}};" if own and not inside else f"{word};"

    def _declares(self, index, end):
        """Two names side by side, as in `Type name`."""
        depth = self.tokens[index].inside
        for at in range(index, end):
            token, following = self.tokens[at], self.tokens[at + 1]
            if token.inside != depth:
                continue
            if token.text in ("=", "+=", "-=", "(", "|=", "&=") and token.kind == "mark2":
                return False
            if following.kind == "word" and following.inside == depth and (
                    token.kind == "word" and token.text not in ("co_await", "delete", "new") or
                    token.text in (">", "&", "*", "&&") and at > index and not self.source.spaced(at)):
                return True
        return False


def faults_of(file, text):
    return Finder(file, text).all()
