"""Files with one value, word, character or line changed, from a seed."""

import random
import re

MISTAKEN_VALUES = ('""', "0", "-1", "+5", "007", "5x", "3;", "99999999999", "1.5", "0x10", "abc", "on", "off", "none", "*", "=",
                   "10.0.0.1", "10.0.0.300", "10.0.0.1/33", "::1", "fe80::1%eth0", "eth0", "/bin/true", '"/bin/true -x"', "a b c",
                   "x" * 300)


def changed(seed, number, text):
    """`text` with change `number` of this seed, and what was done to it."""
    chance = random.Random(f"{seed}/{number}")
    lines = text.splitlines()
    used = [i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(("!", "#"))]
    at = chance.choice(used)
    change = chance.choice(CHANGES)
    change(chance, lines, at, used)
    return "\n".join(lines) + "\n", f"{change.__name__} at line {at + 1}"


def words_of(line):
    """(begin, end) of each word; what is in quotes is one word."""
    return [match.span() for match in re.finditer(r'"[^"]*"|\S+', line)]


def put(chance, lines, at, text, values_only):
    """One word of the line (not the keyword, if values_only and there is another) becomes `text`."""
    words = words_of(lines[at])
    begin, end = chance.choice(words[1:] if values_only and len(words) > 1 else words)
    lines[at] = lines[at][:begin] + text + lines[at][end:]


def another_value(chance, lines, at, used):
    put(chance, lines, at, chance.choice(MISTAKEN_VALUES), True)


def another_value_of_the_file(chance, lines, at, used):
    other = lines[chance.choice(used)]
    begin, end = words_of(other)[-1]
    put(chance, lines, at, other[begin:end], True)


def another_word_of_the_file(chance, lines, at, used):
    other = lines[chance.choice(used)]
    begin, end = chance.choice(words_of(other))
    put(chance, lines, at, other[begin:end], False)


def no_word(chance, lines, at, used):
    put(chance, lines, at, "", False)


def no_value(chance, lines, at, used):
    put(chance, lines, at, "", True)


def word_twice(chance, lines, at, used):
    begin, end = chance.choice(words_of(lines[at]))
    lines[at] = f"{lines[at][:end]} {lines[at][begin:end]}{lines[at][end:]}"


def words_swapped(chance, lines, at, used):
    words = words_of(lines[at])
    if len(words) > 1:
        first = chance.randrange(len(words) - 1)
        (a, b), (c, d) = words[first], words[first + 1]
        lines[at] = lines[at][:a] + lines[at][c:d] + lines[at][b:c] + lines[at][a:b] + lines[at][d:]


def surplus_word(chance, lines, at, used):
    lines[at] += " " + chance.choice(MISTAKEN_VALUES)


def character_lost(chance, lines, at, used):
    place = chance.choice([i for i, c in enumerate(lines[at]) if not c.isspace()])
    lines[at] = lines[at][:place] + lines[at][place + 1:]


def another_character(chance, lines, at, used):
    place = chance.choice([i for i, c in enumerate(lines[at]) if not c.isspace()])
    lines[at] = lines[at][:place] + chance.choice('abz019-+;,."\'/\\{}#!$@~=_') + lines[at][place + 1:]


def line_lost(chance, lines, at, used):
    del lines[at]


def line_twice(chance, lines, at, used):
    lines.insert(at, lines[at])


def line_elsewhere(chance, lines, at, used):
    lines.insert(chance.choice(used), lines.pop(at))


def line_of_the_file(chance, lines, at, used):
    lines.insert(at, lines[chance.choice(used)])


def lines_joined(chance, lines, at, used):
    if at + 1 < len(lines):
        lines[at:at + 2] = [lines[at] + " " + lines[at + 1]]


def line_cut(chance, lines, at, used):
    begin, _ = chance.choice(words_of(lines[at]))
    lines[at:at + 1] = [lines[at][:begin], lines[at][begin:]]


CHANGES = (another_value, another_value, another_value, another_value_of_the_file, another_value_of_the_file,
           another_word_of_the_file, no_word, no_value, word_twice, words_swapped, surplus_word, character_lost,
           another_character, line_lost, line_twice, line_elsewhere, line_of_the_file, lines_joined, line_cut)
