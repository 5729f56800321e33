"""Each function that reads bytes from outside is called by a fuzz target, or stands in not_fuzzed.txt with the reason.

And what is parsed outside the modules that parse (wire, netlink, config, probe; ipc for what the roles tell each other)
stands in a list here."""

import re
import subprocess
import sys

import pytest

from support.paths import TOP

FUZZ = TOP / "tests" / "fuzz"
REASONS = TOP / "tests" / "structure" / "not_fuzzed.txt"
BYTES = r"(?:span<const std::byte>|string_view)"
ARGUMENTS = r"\(((?:[^()]|\([^()]*\))*)\)\s*(?:const|noexcept|override|= 0)*\s*[;{]"
DECLARED = re.compile(r"\b([a-z]\w*)" + ARGUMENTS)
READS = re.compile(r"(decode|parse|read)(_|$)")
# Of these modules every function that takes bytes counts, and of the others those that say that they read.
ALL_COUNT = {"wire", "netlink", "ipc", "alert", "probe"}
SAY_SO = {"bfd", "config", "vrrp", "lvs", "role"}
WRITES = re.compile(r"(encode|put|fail|to)_?|fail_\w+|encode_\w+|make_\w*sealed\w*|make_shared\w*|publish|sent|field|expect")

# What others are parsed by name of elsewhere: {file: why}.
LAYOUTS = re.compile(r"\b(iphdr|ip6_hdr|icmphdr|icmp6_hdr|ethhdr|ether_header|ether_arp|arphdr|udphdr|tcphdr|ip_hl|ihl)\b")
PARSERS = re.compile(r"\bjson::parse\(|\btoml::parse\w*\(")
MAY_PARSE = {
    "src/kernel/vrrp_sender.cpp": "writes the IPv4 header of what it sends",
    "src/alert/spool.cpp": "the spool's own files; fuzzed (alert_mail)",
    "src/alert/webhook_spool.cpp": "the spool's own files; fuzzed (alert_mail)",
    "src/cli/json_view.cpp": "mainstayctl, which asks the observer of the same host",
    "src/cli/doctor_facts.cpp": "mainstayctl, which asks the observer of the same host",
    "src/cli/doctor_processes.cpp": "mainstayctl, which asks the observer of the same host",
    "src/cli/doctor_firewall.cpp": "mainstayctl, which asks nft",
}


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def decoders_in(module, text):
    """The names of the functions in a header that read what others wrote; its own function, so that it can be tried."""
    found = set()
    for name, arguments in DECLARED.findall(without_comments(text)):
        takes_bytes = re.search(BYTES, arguments)
        if module in ALL_COUNT and WRITES.fullmatch(name):
            continue
        if (module in ALL_COUNT and takes_bytes) or (READS.match(name) and (takes_bytes or module == "ipc")):
            found.add(name)
    return found


def decoders():
    """{(header, function)}: "wire/arp.hpp", "decode_arp"."""
    found = set()
    for module in sorted(ALL_COUNT | SAY_SO):
        for top in (TOP / "include" / "mainstay", TOP / "src"):
            for path in sorted((top / module).rglob("*.hpp")):
                found |= {(str(path.relative_to(top)), name) for name in decoders_in(module, path.read_text(encoding="utf-8"))}
    return found


def fuzzed():
    """What the targets name: a function and the header that it is in."""
    found = set()
    for path in FUZZ.glob("*_fuzz.cpp"):
        text = without_comments(path.read_text(encoding="utf-8"))
        words = set(re.findall(r"\w+", text))
        for header in re.findall(r'#include "(?:mainstay/)?(\S+/\S+\.hpp)"', text):
            found |= {(header, word) for word in words}
    return found


def reasons():
    found = {}
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"(\S+)\s+(\w+): (\S.*)", line)
            assert match, f"not_fuzzed.txt: {line}"
            found[match[1], match[2]] = match[3]
    return found


def targets():
    return {path.name.removesuffix("_fuzz.cpp") for path in FUZZ.glob("*_fuzz.cpp")}


def test_each_decoder_is_fuzzed_or_has_a_reason_why_not():
    missing = decoders() - fuzzed() - set(reasons())

    assert not missing, "neither in a target of tests/fuzz nor in not_fuzzed.txt: " + ", ".join(map(" ".join, sorted(missing)))


def test_no_reason_outlives_its_decoder():
    stale = {key for key in reasons() if key not in decoders() or key in fuzzed()}

    assert not stale, "not_fuzzed.txt has what is gone, or fuzzed: " + ", ".join(map(" ".join, sorted(stale)))


@pytest.mark.parametrize("module,line,found", [
    ("wire", "[[nodiscard]] std::optional<Packet> decode_new(std::span<const std::byte> frame);", {"decode_new"}),
    ("wire", "[[nodiscard]] Answer agent_reply(std::string_view line);", {"agent_reply"}),
    ("wire", "    void feed(std::string_view bytes);", {"feed"}),
    ("wire", "// decode_new(std::span<const std::byte> frame);", set()),
    ("wire", "std::vector<std::byte> encode_vrrp(const Packet& packet, std::span<const std::byte> key);", set()),
    ("ipc", "[[nodiscard]] Result<HandOver> read_hand_over(int fd);", {"read_hand_over"}),
    ("ipc", "[[nodiscard]] Result<T> decode(std::span<const std::byte> bytes) {", {"decode"}),
    ("config", "[[nodiscard]] bool is_word(std::string_view text);", set()),
    ("config", "[[nodiscard]] Result<Time> parse_time(std::string_view text);", {"parse_time"}),
])
def test_what_counts_as_a_decoder(module, line, found):
    assert decoders_in(module, line) == found


def test_each_target_is_built_run_and_has_seeds():
    sys.path.insert(0, str(TOP / "tools" / "test.d"))
    try:
        import by_chance  # pylint: disable=import-outside-toplevel
    finally:
        sys.path.pop(0)
    listed = subprocess.run([TOP / "tools" / "fuzz", "--list"], capture_output=True, text=True, check=True).stdout.split()
    built = set(re.findall(r"executable\('(\w+)_fuzz'", (FUZZ / "meson.build").read_text(encoding="utf-8")))
    replayed = {name for path in (TOP / "tests").glob("*/meson.build") if path.parent != FUZZ
                for name in re.findall(r"test\('(\w+)_seeds_fuzz'", path.read_text(encoding="utf-8"))}

    assert set(listed) == targets()
    assert built == targets()
    assert replayed == targets()
    assert set(by_chance.FUZZ_TARGETS) == targets()
    assert {path.name for path in (FUZZ / "seeds").iterdir() if any(path.iterdir())} == targets()


def parses(text):
    return [match[0] for match in [*LAYOUTS.finditer(without_comments(text)), *PARSERS.finditer(without_comments(text))]]


def test_bytes_from_outside_are_parsed_in_the_modules_that_parse():
    complaints = []
    for path in sorted([*(TOP / "src").rglob("*.[ch]pp"), *(TOP / "include").rglob("*.hpp")]):
        name = str(path.relative_to(TOP))
        module = path.relative_to(TOP / "src").parts[0] if name.startswith("src/") else path.relative_to(TOP / "include").parts[1]
        found = parses(path.read_text(encoding="utf-8"))
        # An IP header, or one of what it carries, is wire's alone.
        if found and name not in MAY_PARSE and (module not in ("wire", "config") or (module == "config" and LAYOUTS.search(found[0]))):
            complaints.append(f"{name}: {', '.join(found)}")

    assert not complaints, "\n".join(complaints)


def test_each_file_that_may_parse_does():
    assert not [name for name in MAY_PARSE if not parses((TOP / name).read_text(encoding="utf-8"))]
