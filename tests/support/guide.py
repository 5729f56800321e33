"""The guide (docs/guide) and README.md as tests read them: their blocks, with what each one is.

The words on a fence say it: `conf` and `toml` are whole configurations; `sh` are commands, run on the host `on=` in the
situation `in=`, and `text` behind them is what they show; `sh setup` prepares the recipes of its page; `file=PATH` makes
a block the file of that name. Readers of the rendered page see none of these words.
"""

import dataclasses
import re

from .paths import TOP

GUIDE = TOP / "docs" / "guide"
PAGES = [TOP / "README.md", *sorted(GUIDE.glob("*.md"))]


@dataclasses.dataclass
class Block:
    """One block of a page. `kind` is the first word behind its fence, `words` are the others: `conf`, `sh on=server`.

    A block that is indented instead of fenced is of the kind `sh`, or `drawing` if it has characters that draw lines.
    """
    page: str
    line: int
    heading: str
    kind: str
    words: list
    text: str

    @property
    def name(self):
        """README.md:17, for whoever looks for it."""
        return f"{self.page}:{self.line}"

    def word(self, key, default=None):
        """What stands behind `key=` on the fence."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")), default)

    def commands(self):
        """Its commands without comments; a line that ends with a backslash goes on in the next one."""
        joined = re.sub(r"\\\n\s*", " ", self.text)
        lines = [re.sub(r"\s+# .*$", "", line).strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks_of(page, text):
    """All blocks of a page in their order."""
    found, heading, lines, number = [], "", text.splitlines(), 0
    while number < len(lines):
        line = lines[number]
        fence = re.match(r"( *)```+ *(.*)$", line)
        if fence:
            end = next(n for n in range(number + 1, len(lines)) if lines[n].strip().startswith("```"))
            kind, *words = fence[2].split() or ["text"]
            body = [inner.removeprefix(fence[1]) for inner in lines[number + 1:end]]
            found.append(Block(page, number + 2, heading, kind, words, "\n".join(body) + "\n"))
            number = end + 1
            continue
        if line.startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            end = next((n for n in range(number, len(lines)) if lines[n].strip() and not lines[n].startswith("    ")),
                       len(lines))
            body = "\n".join(inner.strip() for inner in lines[number:end]).strip() + "\n"
            kind = "drawing" if re.search("[─│┌└►]", body) else "sh"
            found.append(Block(page, number + 1, heading, kind, [], body))
            number = end
            continue
        if line.startswith("#"):
            heading = line.lstrip("# ")
        number += 1
    return found


def blocks(pages=None):
    """The blocks of these pages, of all of them if none are given."""
    return [block for page in pages or PAGES
            for block in blocks_of(str(page.relative_to(TOP)), page.read_text(encoding="utf-8"))]


def write_files(host, found):
    """Writes the files that blocks hold (`file=PATH`) onto a host; programs are the ones that begin with `#!`."""
    for block in found:
        if block.word("file"):
            host.write(block.word("file"), block.text, 0o755 if block.text.startswith("#!") else 0o644)


# What a reader types and no test runs, by the words with which a command begins or that it holds, and why.
NOT_RUN = {
    r"tools/(demo|test)$": "they are the whole of the tests themselves",
    r"^(apt|systemctl|journalctl) ": "needs a system with systemd and a package: package/test_deb, lab/test_systemd",
    r"^mainstayctl takeover": "needs a keepalived under systemd: host/test_takeover, package/test_service_life, test_change_over",
    r"^mainstayctl --host ": "needs ssh: host/test_mainstayctl",
    r"^(mainstayctl ipvs|ipvsadm) | --wait ": "needs a kernel with IPVS: lab/test_mainstayctl, test_tunnel_mtu, test_server_wait",
    r"^mainstayctl migrate$": "reads the /etc of this machine: config/test_migrate",
    r"^modprobe |tunl0": "loads a module into this machine's kernel: lab/test_lvs_traffic_forwarding",
}
# In which states of the hosts commands are run; tests/host/test_guide.py makes them.
SITUATIONS = ["pair", "unprepared", "firewall", "two_masters", "duplicate", "fault", "script", "announced", "down",
              "all_down", "refused", "broken", "mail"]
HOSTS = ["lb1", "lb2", "server", "client"]
# Blocks that are files: fed to mainstayd, or written where recipes name them. YAML is for Prometheus, and only shown.
FILES = {"conf", "toml", "json", "yaml"}


def without_sudo(command):
    return command.removeprefix("sudo ")


def why_not_run(command):
    """Why no test runs this command; None if one does."""
    return next((reason for words, reason in NOT_RUN.items() if re.search(words, without_sudo(command))), None)


def is_commands(block):
    """True for a block of commands, not for a script that is a file."""
    return block.kind == "sh" and not block.word("file")


def steps(found):
    """(block of commands, the block of what it shows or None) in the pages' order, without those of recipes' files."""
    return [(block, after if after and after.kind == "text" and after.page == block.page else None)
            for block, after in zip(found, [*found[1:], None]) if is_commands(block) and "setup" not in block.words]
