"""Manual pages and completions: troff has no complaint, and what they name is there."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP, program

SECONDS = 30
PAGES = ["mainstay-discover.8", "mainstay-realserver.8", "mainstay.conf.5", "mainstay.toml.5", "mainstayctl.1", "mainstayd.8"]
MAN = TOP / "docs" / "man"
COMPLETION = TOP / "data" / "completion"


def run(command, text_in=None, **more):
    return subprocess.run(command, input=text_in, capture_output=True, text=True, timeout=SECONDS, check=False, **more)


def text_of(page):
    form = {"mainstay.conf.5": "--man", "mainstay.toml.5": "--toml-man"}.get(page)
    if form is None:
        return (MAN / page).read_text(encoding="utf-8")
    made = run([program("mainstayctl"), "config", "reference", form, "--head", str(MAN / f"{page}.head")])
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.mark.parametrize("page", PAGES)
def test_troff_has_no_complaint(page):
    if shutil.which("groff") is None:
        pytest.skip("there is no groff")
    done = run(["groff", "-man", "-Tascii", "-ww", "-z"], text_of(page))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_man_has_no_complaint(page, tmp_path):
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("there is no man with groff")
    (tmp_path / page).write_text(text_of(page), encoding="utf-8")
    done = run(["man", "--warnings", "-l", str(tmp_path / page)], env={"MANPAGER": "cat", "LC_ALL": "C.UTF-8",
                                                                      "PATH": "/usr/bin:/bin", "MANWIDTH": "100"})

    assert (done.returncode, done.stderr) == (0, "")
    assert "NAME" in done.stdout


GROUPS = ("api", "config", "mail", "maintenance", "record", "server", "webhook")  # their commands have commands


def subcommands(*words):
    """What the help of mainstayctl names below these words."""
    shown = run([program("mainstayctl"), *words, "--help"]).stdout
    return re.findall(r"^  ([a-z]+) ", shown.partition("Subcommands:")[2], re.MULTILINE)


def options_in(text):
    return set(re.findall(r"--[a-z][a-z_-]+", text.replace("\\-", "-")))


def test_the_daemons_page_and_completion_name_the_options_of_its_help():
    # --help goes to stderr, as keepalived's does.
    known = options_in(run([program("mainstayd"), "--help"]).stderr)
    assert "--use-file" in known

    assert options_in(text_of("mainstayd.8")) - {"--config-test"} == known - {"--config-test"}
    assert options_in((COMPLETION / "mainstayd.bash").read_text(encoding="utf-8")) == known
    assert options_in((COMPLETION / "mainstayd.zsh").read_text(encoding="utf-8")) == known


def test_zsh_completes_every_command_of_mainstayctl_and_its_options():
    text = (COMPLETION / "mainstayctl.zsh").read_text(encoding="utf-8")
    assert "reload" in subcommands()

    assert re.search(r"1:command:\(([a-z ]+)\)", text)[1].split() == subcommands()
    for group in GROUPS:
        assert re.search(rf"_values '{group} command' ([a-z ]+)", text)[1].split() == sorted(subcommands(group))
    for command in [[name] for name in subcommands() if name not in GROUPS] + \
                   [[group, name] for group in GROUPS for name in subcommands(group)]:
        branch = re.search(rf"^ *(?:[a-z]+ \| )*{command[-1]}(?: \| [a-z]+)*\)(.*?);;", text, re.MULTILINE | re.DOTALL)
        assert branch, command
        known = options_in(run([program("mainstayctl"), *command, "--help"]).stdout) - {"--help"}
        assert options_in(branch[1]) == known, command


@pytest.mark.parametrize("script", ["mainstayctl", "mainstayd"])
def test_zsh_reads_the_completion(script):
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh")
    done = run(["zsh", "-n", str(COMPLETION / f"{script}.zsh")])

    assert (done.returncode, done.stderr) == (0, "")


def test_mainstayctls_page_names_the_commands_of_its_help():
    named = re.findall(r'^\.B[RI] "?([a-z]+(?: [a-z]+)?)"? ', text_of("mainstayctl.1").split(".SH COMMANDS")[1]
                       .split(".SH OPTIONS")[0], re.MULTILINE)

    everything = set(subcommands()) - set(GROUPS) | {f"{group} {name}" for group in GROUPS for name in subcommands(group)}
    assert set(named) == everything
    for words in named:
        help_text = run([program("mainstayctl"), *words.split(), "--help"])
        assert help_text.returncode == 0, words


def complete(script, function, *words, before=""):
    """What bash offers for the last of these words. before: shell code that runs first."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"{before}\nsource {shlex.quote(str(COMPLETION / script))}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; {function}; " \
           "printf '%s\\n' \"${COMPREPLY[@]}\""
    folder = str(TOP / program("mainstayctl")).rsplit("/", 1)[0]
    done = run(["bash", "-c", code], env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("words,offered", [
    (["st"], ["status"]),
    (["config", "ex"], ["explain"]),
    (["server", "dr"], ["drain"]),
    (["server", "drain", "--w"], ["--wait"]),
    (["mail", "q"], ["queue"]),
    (["--host", "root@lb2", "mail", "test", "--t"], ["--to"]),
    (["mail", "drop", "--a"], ["--all"]),
    (["server", "disable", "--d"], ["--dry-run"]),
    (["server", "drain", "--e"], ["--expire-persistence"]),
    (["config", "refe"], ["reference"]),
    (["config", "reference", "--ma"], ["--markdown", "--man"]),
    (["config", "schema", "--j"], ["--json"]),
    (["--socket", "/x", "config", "check", "--s"], ["--strict"]),
    (["config", "explain", "virtual_router"], ["virtual_router_id"]),
    (["config", "di"], ["diff"]),
    (["config", "con"], ["convert"]),
    (["reload", "--dr"], ["--dry-run"]),
    (["doctor", "--j"], ["--json"]),
    (["migrate", "--fr"], ["--from"]),
    (["migrate", "--from", "ip"], ["ipvsadm"]),
])
def test_bash_completes_mainstayctl(words, offered):
    assert complete("mainstayctl.bash", "_mainstayctl", "mainstayctl", *words) == offered


STATUS = """\
INSTANCE  STATE   FOR    PRIORITY
VI_1      MASTER  2 min  150

GROUP  STATE
G1     MASTER

SCRIPT  STATE
V_chk   UP

[10.0.0.1]:tcp:80 wrr, quorum up
  SERVER              STATE
  [10.0.0.11]:tcp:80  UP
"""


def test_bash_completes_the_names_of_the_daemon_that_is_asked():
    asked = f"mainstayctl() {{ [[ $* == '--instance red status' ]] && printf '%s' {shlex.quote(STATUS)}; }}"

    def offered(*words):
        return complete("mainstayctl.bash", "_mainstayctl", "mainstayctl", *words, before=asked)

    assert offered("--instance", "red", "why", "") == ["--json", "--udp", "--help", "VI_1", "G1", "[10.0.0.1]:tcp:80",
                                                       "[10.0.0.11]:tcp:80"]
    assert offered("--instance", "red", "failover", "V") == ["VI_1"]
    assert offered("--instance", "red", "events", "--instance", "") == ["VI_1", "G1", "[10.0.0.1]:tcp:80",
                                                                        "[10.0.0.11]:tcp:80"]
    assert offered("--instance", "blue", "failover", "V") == []
    assert offered("--host", "lb2", "failover", "V") == []


def test_bash_completes_files_where_files_are_wanted(tmp_path):
    (tmp_path / "ha.conf").touch()

    wanted = [str(tmp_path / "ha.conf")]
    assert complete("mainstayctl.bash", "_mainstayctl", "mainstayctl", "config", "check", f"{tmp_path}/h") == wanted
    assert complete("mainstayd.bash", "_mainstayd", "mainstayd", "-f", f"{tmp_path}/h") == wanted
    assert complete("mainstayd.bash", "_mainstayd", "mainstayd", "--use-file", "=", f"{tmp_path}/h") == wanted


def test_bash_completes_mainstayd():
    assert complete("mainstayd.bash", "_mainstayd", "mainstayd", "--str") == ["--strict"]
    assert complete("mainstayd.bash", "_mainstayd", "mainstayd", "--signum", "=", "REL") == ["RELOAD"]


def test_the_packages_carry_every_manual_page_and_completion():
    shown = run(["meson", "introspect", str(BUILD), "--installed"])
    assert shown.returncode == 0, shown.stderr
    files = [re.sub(r"^.*?/share/", "/usr/share/", path)  # packages have that prefix, a build here any
             for path in json.loads(shown.stdout).values() if re.search(r"/share/(man|bash-completion|zsh)/", path)]
    spec = (TOP / "packaging/rpm/mainstay.spec").read_text(encoding="utf-8").split("%files\n")[1]
    debian = [line.split()[0].removeprefix("debian/tmp") for file in (TOP / "packaging/debian").glob("*.install")
              for line in file.read_text(encoding="utf-8").splitlines()]

    assert len(files) == len(PAGES) + 4
    for path in files:
        folder, name = path.rsplit("/", 1)
        assert re.search(rf"/{re.escape(name)}\*?$", spec, re.MULTILINE), path
        assert any(path.startswith(f"{line}/") or line in (path, f"{folder}/*") for line in debian), path
