"""Metrics, alert rules and dashboard, judged by promtool: the golden texts of the unit tests are what a director says."""

import json
import re
import shutil
import subprocess

import pytest

from support.paths import TOP, program

SECONDS = 60
GOLDEN = TOP / "tests" / "report" / "golden"
RULES = TOP / "etc" / "prometheus" / "mainstay-alerts.yml"
RULES_TEST = TOP / "etc" / "prometheus" / "mainstay-alerts-test.yml"
DASHBOARD = TOP / "etc" / "grafana" / "mainstay.json"
DOCUMENT = TOP / "docs" / "metrics.md"
NAME = re.compile(r"\bmainstay_[a-z0-9_]+")
PARSED, LINTED = 0, 3  # promtool's exit codes: no complaint; names that are not as the naming guide wants them

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (package prometheus)")


def promtool(*words, text=None):
    return subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True, text=True, timeout=SECONDS,
                          check=False)


def documented():
    """The names of all series, a histogram's three among them."""
    names = set()
    for name, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE):
        names |= {f"{name}{end}" for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


@needs_promtool
def test_promtool_has_nothing_against_the_metrics():
    done = promtool("check", "metrics", text=(GOLDEN / "metrics.txt").read_text(encoding="utf-8"))

    assert (done.returncode, done.stdout, done.stderr) == (PARSED, "", "")


@needs_promtool
def test_the_names_of_other_exporters_are_well_formed_though_not_well_named():
    done = promtool("check", "metrics", text=(GOLDEN / "metrics-compat.txt").read_text(encoding="utf-8"))

    assert done.returncode == LINTED, done.stderr
    assert "mainstay_" not in done.stderr


@needs_promtool
def test_promtool_can_fail():
    assert promtool("check", "metrics", text="a{ 1\n").returncode not in (PARSED, LINTED)


@needs_promtool
def test_each_alert_fires_and_resolves():
    assert promtool("check", "rules", RULES).returncode == 0
    done = promtool("test", "rules", RULES_TEST)
    assert done.returncode == 0, done.stdout + done.stderr

    alerts = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    for alert in alerts:
        test = RULES_TEST.read_text(encoding="utf-8").split(f"- name: {alert}\n")[1].split("  - name:")[0]
        assert "exp_labels" in test and "exp_alerts: []" in test, alert
        assert f"| `{alert}` |" in DOCUMENT.read_text(encoding="utf-8"), alert


@pytest.mark.parametrize("path", [RULES, RULES_TEST, DASHBOARD], ids=lambda path: path.name)
def test_each_metric_that_is_used_is_documented(path):
    used = set(NAME.findall(path.read_text(encoding="utf-8")))

    assert used and used <= documented()


def test_each_panel_of_the_dashboard_has_a_query_and_a_place_of_its_own():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] == "row" or all(target["expr"] for target in panel["targets"]), panel["title"]


@needs_promtool
def test_promtool_reads_each_query_of_the_dashboard(tmp_path):
    """As recording rules, with a duration and names in place of Grafana's variables."""
    rules = []
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for number, target in enumerate(panel.get("targets", [])):
            query = target["expr"].replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")
            rules.append({"record": f"panel:{panel['id']}:{number}", "expr": query})
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")

    done = promtool("check", "rules", path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_document_is_made_of_its_head_and_the_reference():
    done = subprocess.run([program("mainstayctl"), "metrics", "--reference"], capture_output=True, text=True,
                          timeout=SECONDS, check=True)

    head = (TOP / "docs" / "metrics.head.md").read_text(encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == head + done.stdout


@pytest.mark.parametrize("words,code,part", [
    (["--scope", "all"], 1, 'unknown scope "all"; known: services, servers'),
    (["--compat", "x"], 1, 'unknown compat "x"'),
    ([], 3, "mainstayd is not running"),
])
def test_mainstayctl_says_why_there_are_no_metrics(tmp_path, words, code, part):
    done = subprocess.run([program("mainstayctl"), "--socket", str(tmp_path / "none.sock"), "metrics", *words],
                          capture_output=True, text=True, timeout=SECONDS, check=False)

    assert (done.returncode, done.stdout) == (code, "")
    assert part in done.stderr
