"""The guide: each of its configurations is clean, and each of its commands is run, or named with the reason why not.

tests/host/test_guide.py runs the commands; support/guide.py has the list of those that no test runs.
"""

import re
import shlex
import subprocess

import pytest

from support import guide
from support.hosts import Lan
from support.needs import needs_root
from support.paths import TOP, program

ALL = guide.blocks()
SETTINGS = [block for block in ALL if block.word("file", "").endswith("mainstay.toml")]
RECIPES = [block for block in ALL if block.kind in ("conf", "toml") and block not in SETTINGS]
SWAPS = [("150", "100"), ("lb1", "lb2"), ("192.0.2.2", "192.0.2.3"), ("10.0.0.2", "10.0.0.3")]


@pytest.fixture(scope="module")
def lb1(tmp_path_factory):
    """The first director of the recipes, with the files that they name."""
    needs_root()
    lan = Lan(tmp_path_factory.mktemp("guide"))
    try:
        lan.switch("outside")
        lan.switch("inside")
        host = lan.host("lb1", eth0=("outside", "192.0.2.2/24", "2001:db8::2/64"), eth1=("inside", "10.0.0.2/24"))
        guide.write_files(host, [block for block in ALL if block not in SETTINGS])
        for block in ALL:
            if "setup" in block.words:
                host.run(["sh", "-ec", block.text])
        yield host
    finally:
        lan.close()


def accepted(host, *paths, options=""):
    """Requires that mainstayd -t has nothing to say about these files."""
    each = f'for path in "$@"; do {shlex.quote(program("mainstayd"))} -t -f $path {options} || exit; done'
    done = host.run(["sh", "-c", each, "sh", *paths], check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line]
    fine = [f"{path}: 0 errors, 0 warnings, 0 notes; the configuration is fine (exit code 0)" for path in paths]
    assert (done.returncode, said) == (0, fine)


def for_second_director(text):
    """The file as a reader changes it for lb2: priorities, names and own addresses are swapped."""
    for one, other in SWAPS:
        edges = r"(?<![\w.]){}(?![\w.])"
        text = re.sub(edges.format(re.escape(one)) + "|" + edges.format(re.escape(other)),
                      lambda found, pair=(one, other): pair[found[0] == pair[0]], text)
    return text


@pytest.mark.parametrize("block", RECIPES, ids=lambda block: f"{block.name} {block.heading}")
def test_a_recipe_is_clean_on_both_directors(lb1, block):
    first, second = (lb1.write(f"/run/{name}.{block.kind}", text)
                     for name, text in (("first", block.text), ("second", for_second_director(block.text))))
    accepted(lb1, first, second)
    if "@lb1" in block.text:  # it is the file of both
        return
    paired = lb1.run([program("mainstayctl"), "config", "pair", first, second], check=False)

    said = (paired.stdout + paired.stderr).splitlines()
    assert [line for line in said if re.search("(warning|error|fatal) MS", line)] == []


def test_one_file_for_both_directors_is_clean_under_the_other_name(lb1):
    (block,) = [block for block in RECIPES if "@lb1" in block.text]
    accepted(lb1, lb1.write("/run/both.conf", block.text), options="-i lb2")


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.name)
def test_settings_of_the_daemon_are_clean(lb1, block):
    path = lb1.write("/etc/mainstay/mainstay.toml", block.text + '\n[vrrp_instance.web]\ninterface = "eth0"\n'
                     'virtual_router_id = 51\nvirtual_ipaddress = ["192.0.2.10/24"]\n')
    accepted(lb1, path)


def test_there_are_twenty_recipes_and_more_in_order_and_the_cookbook_names_each():
    numbers, index = [], " ".join((guide.GUIDE / "cookbook.md").read_text(encoding="utf-8").split())
    for page in sorted(guide.GUIDE.glob("cookbook-*.md"), key=lambda page: index.index(page.name)):
        for heading in re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            numbers.append(int(heading.split(".")[0]))
            assert any(block.heading == heading for block in RECIPES), f"{heading} has no configuration"
            assert f"* [{heading}]({page.name}#{anchor(heading)})" in index, heading

    assert len(numbers) >= 20
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("block", [block for block in ALL if block.kind == "sh" and block.word("file")],
                         ids=lambda block: block.word("file"))
def test_scripts_of_recipes_are_scripts(block):
    assert block.text.startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n"], input=block.text, text=True, check=False).returncode == 0


def test_every_block_is_something_that_a_test_knows():
    for block, before in zip(ALL, [None, *ALL]):
        what = f"{block.name}: a block of the kind {block.kind} {block.words}"
        if guide.is_commands(block):
            assert block.word("in", "pair") in guide.SITUATIONS and block.word("on", "lb1") in guide.HOSTS, what
            unknown = [word for word in block.words if word != "setup" and not re.match("(in|on)=", word)]
            assert not unknown, f"{what}: nobody knows {unknown}"
            assert block.commands(), f"{what} has no command"
        elif block.kind == "text":
            assert before and guide.is_commands(before) and before.page == block.page, f"{what} follows no commands"
        elif block.kind == "drawing":
            assert block.page == "README.md", what
        else:
            assert block.kind in guide.FILES or block.kind == "sh", f"{what} is neither run nor listed"


def test_each_reason_for_not_running_a_command_is_needed():
    blocks = [block for block in ALL if guide.is_commands(block)]
    commands = [guide.without_sudo(command) for block in blocks for command in block.commands()]
    for words in guide.NOT_RUN:
        assert any(re.search(words, command) for command in commands), f"{words}: no command is like that"


def test_the_guide_says_how_much_of_it_is_run():
    blocks = [block for block in ALL if guide.is_commands(block)]
    commands = [command for block in blocks for command in block.commands()]
    left_out = [command for command in commands if guide.why_not_run(command)]
    none_run = [block for block in blocks if all(guide.why_not_run(command) for command in block.commands())]
    sentence = (f"Of {len(blocks)} blocks of commands here and in the README {len(blocks) - len(none_run)} are run "
                f"({len(commands) - len(left_out)} of {len(commands)} commands), and all {len(RECIPES)} configurations "
                "are checked by `mainstayd -t`.")

    assert sentence in " ".join((guide.GUIDE / "index.md").read_text(encoding="utf-8").split()), sentence


def test_the_page_on_uninstalling_names_what_the_packages_stop_delete_and_leave():
    page = (guide.GUIDE / "uninstall.md").read_text(encoding="utf-8")
    packaging = TOP / "packaging"
    postrm = (packaging / "debian/mainstay.postrm").read_text(encoding="utf-8")
    purge = re.search(r"rm -rf (.*)", postrm)[1] + re.search(r"find( \S+) .* ! -name realserver -exec rm", postrm)[1]
    units = re.search(r"deb-systemd-invoke stop (.*?) >", (packaging / "debian/mainstay.prerm").read_text(encoding="utf-8"))[1]
    accounts = re.findall("^u ([^ ]+)", (packaging / "sysusers.d/mainstay.conf").read_text(encoding="utf-8"), re.MULTILINE)

    assert purge.split() == ["/var/spool/mainstay", "/var/lib/mainstay", "/run/mainstay"]
    assert "`apt purge mainstay` deletes `/var/spool/mainstay`, `/var/lib/mainstay` and `/run/mainstay`" in page
    assert "but not what `mainstay-realserver` keeps" in page
    assert units.replace("'", "").split() == ["mainstay.service", "mainstay@*.service", "mainstay-discover@*.service"]
    for unit in ("systemctl disable --now mainstay\n", "`mainstay@NAME`", "`mainstay-discover@NAME`"):
        assert unit in page, unit
    assert len(accounts) == 7
    for account in accounts:
        assert f"`{account}`" in page, account
    assert "`mainstay-realserver down 192.0.2.10`" in page


def anchor(heading):
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", guide.PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        path, _, part = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.relative_to(TOP)} links to {target}"
        if part:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert part in [anchor(heading) for heading in headings], f"{page.relative_to(TOP)} links to {target}"
