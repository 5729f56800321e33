"""A real Prometheus on a test host: it scrapes directors, evaluates rules, and is asked over its API."""

import json
import re
import urllib.parse

from .paths import TOP
from .wait import wait_until

AT = "127.0.0.1:9090"
RULES = TOP / "etc" / "prometheus" / "mainstay-alerts.yml"
DASHBOARD = TOP / "etc" / "grafana" / "mainstay.json"
SECONDS = {"s": 1, "m": 60, "h": 3600}


def divided(text, by):
    """The rules with each time divided: of `for`, of a range, and the age in MainstayCheckStuck."""
    def shorter(match):
        return f"{match[1]}{int(match[2]) * SECONDS[match[3]] * 1000 // by}ms"

    text = re.sub(r"(for: |\[)(\d+)([smh])\b", shorter, text)
    return re.sub(r"(unfinished_seconds > )(\d+)", lambda m: f"{m[1]}{int(m[2]) / by:g}", text)


class Prometheus:
    """`jobs`: scrape_configs; `rules`: text of a rules file."""

    def __init__(self, host, jobs, rules=None, interval="500ms"):
        self.host = host
        settings = {"global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
                    "scrape_configs": jobs}
        if rules is not None:
            settings["rule_files"] = [host.write("/run/prometheus/rules.yml", rules)]
        path = host.write("/run/prometheus/prometheus.yml", json.dumps(settings))  # JSON is YAML
        host.run(["ip", "link", "set", "lo", "up"])
        self.process = host.start(["prometheus", f"--config.file={path}", "--storage.tsdb.path=/run/prometheus/data",
                                   f"--web.listen-address={AT}"], name="prometheus")
        wait_until(lambda: self.get("/api/v1/targets"), 60, lambda: f"Prometheus:\n{self.process.output()}")

    def get(self, path, **parameters):
        """The `data` of an answer; None while there is no answer."""
        target = f"http://{AT}{path}?{urllib.parse.urlencode(parameters)}"
        done = self.host.run(["curl", "-s", "--max-time", "20", target], check=False)
        if done.returncode != 0 or not done.stdout.startswith("{"):
            return None
        answer = json.loads(done.stdout)
        if answer["status"] != "success":
            raise RuntimeError(f"{path} {parameters}: {answer}")
        return answer["data"]

    def query(self, expression):
        """[(labels, value), ...] now."""
        data = self.get("/api/v1/query", query=expression)
        return [(one["metric"], float(one["value"][1])) for one in data["result"]] if data else []

    def wait_scraped(self, count, timeout=30):
        """Waits until so many targets answer."""
        wait_until(lambda: sum(value for _, value in self.query("up")) == count, timeout, lambda: f"{count} targets: {self.problems()}")

    def problems(self):
        return [(one["scrapeUrl"], one["health"], one["lastError"]) for one in self.get("/api/v1/targets")["activeTargets"]]

    def without_data(self, expressions):
        """Those of the expressions that return nothing; all are asked by one curl, which matters in a slow lab."""
        if not expressions:
            return []
        targets = [f"http://{AT}/api/v1/query?{urllib.parse.urlencode({'query': one})}" for one in expressions]
        done = self.host.run(["curl", "-sg", "-w", "\\n", "--max-time", "20", *targets], timeout=120)
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(answers) == len(expressions) and all(one["status"] == "success" for one in answers), done.stdout[-2000:]
        return [one for one, answer in zip(expressions, answers) if not answer["data"]["result"]]

    def firing(self):
        """{(alert, instance or the like), ...}: names of the alerts that fire now."""
        data = self.get("/api/v1/alerts")
        return {one["labels"]["alertname"] for one in data["alerts"] if one["state"] == "firing"} if data else set()

    def wait_firing(self, *names, timeout=30):
        wait_until(lambda: set(names) <= self.firing(), timeout,
                   lambda: f"{names} to fire; firing: {self.firing()}; {self.get('/api/v1/alerts')}")

    def wait_resolved(self, *names, timeout=40):
        wait_until(lambda: not set(names) & self.firing(), timeout,
                   lambda: f"{names} to be resolved; firing: {self.firing()}; {self.get('/api/v1/alerts')}")

    def broken_rules(self):
        """Rules that cannot be evaluated."""
        groups = self.get("/api/v1/rules")["groups"]
        return [(rule["name"], rule["lastError"]) for group in groups for rule in group["rules"] if rule["health"] == "err"]


def dashboard_queries(job, instance, interval="10s"):
    """Each expression of our dashboard, with its variables replaced."""
    shown = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    variables = {"$job": job, "$instance": instance, "$__rate_interval": interval}
    found = []
    for panel in shown["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in variables.items():
                expression = expression.replace(name, value)
            if "$" in expression:
                raise ValueError(f"a variable that nobody knows: {expression}")
            found.append(expression)
    return found
