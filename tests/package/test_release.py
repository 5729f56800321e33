"""The parts of a release: changelogs, bill of materials, source archive, the helper for CentOS, the same packages bit by bit."""

import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest

from support.paths import BUILD, TOP

VERSION = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text(encoding="utf-8"))[1]
LATER = 1_800_000_000  # 2027-01-15
SECONDS = 120


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS, check=False,
                          stdin=subprocess.DEVNULL, **more)


def changelog(*words, text=None, tmp_path=None):
    """tools/release.d/changelog.py, on this repository's CHANGELOG.md or on a text."""
    tool = TOP / "tools" / "release.d" / "changelog.py"
    if text is not None:
        copy = tmp_path / "tools" / "release.d" / tool.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(tool.read_bytes())
        (tmp_path / "CHANGELOG.md").write_text(text, encoding="utf-8")
        tool = copy
    return run("/usr/bin/python3", tool, *words)


# ---- version and changelog ----

def test_the_version_is_written_down_in_meson_build_and_the_changelog_alone():
    assert changelog("version").stdout == f"{VERSION}\n"
    spec = (TOP / "packaging" / "rpm" / "mainstay.spec").read_text(encoding="utf-8")
    assert re.findall(r"^Version: +(\S+)$", spec, re.MULTILINE) == ["@VERSION@"]
    assert not (TOP / "packaging" / "debian" / "changelog").exists()


def test_debians_parser_reads_the_changelog_that_is_made(tmp_path):
    (tmp_path / "changelog").write_text(changelog("debian", LATER).stdout, encoding="utf-8")

    parsed = run("dpkg-parsechangelog", "-l", tmp_path / "changelog", "--all", "--format", "rfc822")

    assert (parsed.returncode, parsed.stderr) == (0, "")
    assert re.findall(r"^Version: (.*)$", parsed.stdout, re.MULTILINE)[0] == VERSION
    assert max(map(len, (tmp_path / "changelog").read_text(encoding="utf-8").splitlines())) <= 80


def test_a_version_has_its_date_and_one_that_is_not_released_that_of_the_build(tmp_path):
    text = ("# Changelog\n\n## 1.1 - unreleased\n\n* `new` thing,\n  on two lines\n* 100% more\n\n"
            "## 1.0 - 2026-02-03\n\n* first\n")

    made = changelog("rpm", LATER, text=text, tmp_path=tmp_path).stdout

    assert made == ("* Fri Jan 15 2027 mainstay developers <mainstay@localhost> - 1.1-1\n- new thing, on two lines\n"
                    "- 100%% more\n\n* Tue Feb 03 2026 mainstay developers <mainstay@localhost> - 1.0-1\n- first\n")


@pytest.mark.parametrize("text, problem", [
    ("# Changelog\n", "no version"),
    ("## 1.0 - unreleased\n", "without a change"),
    ("## 1.0 - unreleased\n\nprose\n", "CHANGELOG.md:3"),
    ("## 1.1 - 2026-01-01\n\n* a\n\n## 1.0 - unreleased\n\n* b\n", "only the newest"),
])
def test_a_changelog_that_is_none_is_refused(tmp_path, text, problem):
    done = changelog("debian", LATER, text=text, tmp_path=tmp_path)

    assert done.returncode == 1
    assert problem in done.stderr


# ---- bill of materials ----

@pytest.fixture(scope="module")
def bill():
    done = run("/usr/bin/python3", TOP / "tools" / "release.d" / "sbom.py", BUILD, LATER)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bill_of_materials_has_what_spdx_2_3_wants(bill):
    document = json.loads(bill)

    head = [document[name] for name in ("spdxVersion", "dataLicense", "SPDXID")]
    assert head == ["SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"]
    assert document["name"] == f"mainstay-{VERSION}"
    assert re.fullmatch(r"https://spdx\.org/spdxdocs/[\w.-]+", document["documentNamespace"])
    assert document["creationInfo"]["created"] == "2027-01-15T08:00:00Z"
    assert all(re.fullmatch(r"(Tool|Person|Organization): .+", who) for who in document["creationInfo"]["creators"])
    known = [package["SPDXID"] for package in document["packages"]]
    assert len(known) == len(set(known))
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", identifier) for identifier in known)
    for package in document["packages"]:
        assert {"name", "SPDXID", "downloadLocation", "versionInfo", "licenseConcluded"} <= set(package)
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {*known, "SPDXRef-DOCUMENT"}


def test_it_names_what_is_linked_what_is_compiled_in_and_what_is_vendored(bill):
    document = json.loads(bill)
    names = {package["SPDXID"]: package["name"] for package in document["packages"]}
    related = {(relation["relationshipType"], names.get(relation["relatedSpdxElement"]))
               for relation in document["relationships"]}
    versions = {package["name"]: package["versionInfo"] for package in document["packages"]}

    assert {("CONTAINS", "uPlot"), ("STATIC_LINK", "boost"), ("STATIC_LINK", "CLI11"), ("DYNAMIC_LINK", "libc6"),
            ("DYNAMIC_LINK", "libnl-3-200")} <= related
    installed = run("dpkg-query", "-W", "-f", "${Version}", "libnl-3-200").stdout
    assert versions["libnl-3-200"] == installed
    locators = [reference["referenceLocator"] for package in document["packages"]
                for reference in package.get("externalRefs", [])]
    assert any(locator.startswith("pkg:deb/debian/libnl-3-200@") for locator in locators)


def test_the_same_programs_have_the_same_bill(bill):
    again = run("/usr/bin/python3", TOP / "tools" / "release.d" / "sbom.py", BUILD, env={
        **os.environ, "TZ": "Pacific/Auckland", "SOURCE_DATE_EPOCH": str(LATER), "PYTHONHASHSEED": "7"})

    assert again.stdout == bill


# ---- source archive ----

def test_everything_bears_the_time_of_the_last_commit_and_without_git_that_of_the_changelog(tmp_path):
    tool = tmp_path / "tools" / "release.d" / "epoch"
    tool.parent.mkdir(parents=True)
    tool.write_bytes((TOP / "tools" / "release.d" / "epoch").read_bytes())
    (tmp_path / "CHANGELOG.md").write_text("", encoding="utf-8")
    os.utime(tmp_path / "CHANGELOG.md", (LATER, LATER))
    unset = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}

    assert run("/bin/sh", tool, env=unset).stdout == f"{LATER}\n"
    assert run("/bin/sh", tool, env={**unset, "SOURCE_DATE_EPOCH": "5"}).stdout == "5\n"
    if (TOP / ".git").exists() and (committed := run("git", "-C", TOP, "log", "-1", "--format=%ct")).returncode == 0:
        assert run(TOP / "tools" / "release.d" / "epoch", env=unset).stdout == committed.stdout


def test_the_source_archive_is_the_same_bit_by_bit_and_nobodys_files(tmp_path):
    sums = []
    for name, umask, zone in (("one", 0o022, "UTC"), ("two", 0o077, "Asia/Tokyo")):
        done = run(TOP / "tools" / "package", "source", "--out", tmp_path / name, umask=umask,
                   env={**os.environ, "TZ": zone})
        assert done.returncode == 0, done.stderr
        sums.append(hashlib.sha256((tmp_path / name / f"mainstay-{VERSION}.tar.gz").read_bytes()).hexdigest())

    assert sums[0] == sums[1]
    with tarfile.open(tmp_path / "one" / f"mainstay-{VERSION}.tar.gz") as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    assert not [member.name for member in members if member.mode & 0o022 and not member.issym()]
    assert f"mainstay-{VERSION}/meson.build" in {member.name for member in members}


# ---- tools/release and tools/try-on-centos say what they would do ----

def test_a_dry_run_of_a_release_makes_nothing(tmp_path):
    done = run(TOP / "tools" / "release", "--dry-run", "--out", tmp_path / "out", "--sign", "nobody")

    assert done.returncode == 0, done.stderr
    assert f"mainstay {VERSION} into {tmp_path}/out" in done.stdout
    assert "signed repositories" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_release_does_not_overwrite_what_is_there(tmp_path):
    (tmp_path / "precious").touch()

    done = run(TOP / "tools" / "release", "--out", tmp_path)

    assert (done.returncode, os.listdir(tmp_path)) == (1, ["precious"])
    assert "is not empty" in done.stderr


def test_the_helper_for_centos_lists_its_steps_with_what_they_change(tmp_path):
    done = run(TOP / "tools" / "try-on-centos", "--dry-run", "--skip", "lab", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    steps = dict(re.findall(r"^  (\w+) +(.+)$", done.stdout, re.MULTILINE))
    assert list(steps) == ["setup", "build", "unit", "host", "lab", "package", "rebuild", "install", "try", "selinux",
                           "compat", "remove"]
    assert steps["lab"] == "left out (--skip)"
    assert "nothing is enabled or started" in steps["install"]
    assert os.listdir(tmp_path) == []


def test_each_of_its_steps_is_there():
    text = (TOP / "tools" / "try-on-centos").read_text(encoding="utf-8")
    listed = re.findall(r'^    "(\w+)\|', text, re.MULTILINE)

    assert listed
    assert set(re.findall(r"^step_(\w+)\(\)", text, re.MULTILINE)) == set(listed)


@pytest.mark.parametrize("words, problem", [(["--skip", "nonsense", "--dry-run"], "no step nonsense"),
                                            (["--yes"], "this is neither CentOS Stream nor RHEL")])
def test_it_does_nothing_elsewhere_or_with_a_wrong_word(tmp_path, words, problem):
    done = run(TOP / "tools" / "try-on-centos", *words, cwd=tmp_path)

    assert done.returncode == 2
    assert problem in done.stderr
    assert os.listdir(tmp_path) == []


def test_the_same_build_folder_makes_the_same_packages_bit_by_bit(debs, tmp_path):
    """Another umask, time zone, folder and locale; the clock has moved on as well."""
    out, elsewhere = tmp_path / "again", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    done = subprocess.run([TOP / "tools" / "package", "deb", "--from-build", BUILD, "--out", out], capture_output=True,
                          text=True, timeout=SECONDS, check=False, umask=0o077,
                          env={**os.environ, "TZ": "Asia/Kathmandu", "TMPDIR": str(elsewhere), "LC_ALL": "C"})
    assert done.returncode == 0, done.stdout + done.stderr

    def sums(packages):
        return {package.name: hashlib.sha256(package.read_bytes()).hexdigest() for package in packages}

    assert sums(out.glob("*.deb")) == sums(debs)
