"""The world that a configuration file speaks of, on one test host, so that a director with that file finds it: its
interfaces, its real servers as listeners on addresses of the host's own, its scripts, its tracked files, its mail server.

The file is changed in few things, the same for every program that reads it, and nothing of the language is: scripts
become recorders of their calls (checks: scripts that fail when told to), tracked files get a folder that can be written,
digests and expressions become those of what the servers answer, and the waiting times become short. With a sync daemon
there is a vrrp_startup_delay: of a daemon that is stopped before its thread has run, as on one CPU it is by a master from
the first moment on, the kernel says nothing, and keepalived waits for that answer for ever. `as_is` leaves times alone.
"""

import collections
import hashlib
import ipaddress
import json
import re
import subprocess
import tomllib

from .paths import TOP, program
from .wait import wait_until

BODY = b"ok\n"  # what lvs_servers.py answers
SERVERS = TOP / "tests" / "support" / "lvs_servers.py"
FOLDER = "/run/compare"
SHORT = {"delay_loop": "1", "delay_before_retry": "0.2", "connect_timeout": "1", "warmup": "0", "advert_int": "1",
         "garp_master_delay": "1", "vrrp_startup_delay": "0", "preempt_delay": "1"}
MD5 = hashlib.md5(BODY).hexdigest()
CHECKS = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "MISC_CHECK", "DNS_CHECK", "UDP_CHECK", "PING_CHECK",
          "FILE_CHECK", "BFD_CHECK")
KINDS = {"TCP_CHECK": "tcp", "HTTP_GET": "http", "SSL_GET": "http", "SMTP_CHECK": "smtp", "DNS_CHECK": "dns",
         "UDP_CHECK": "udp"}
SOURCES = ("unicast_src_ip", "mcast_src_ip")
DATAGRAMS = ("dns", "udp")
CHECK_SCRIPT = "#!/bin/sh\n[ ! -e {folder}/down/{name} ]\nstatus=$?\necho {name} >>{folder}/runs\nexit $status\n"
RECORDER = "#!/bin/sh\necho \"${{0##*/}} $*\" >>{folder}/calls\n"


class Rewritten:
    """A file's text for the world: `.text`, and the scripts that are to be there: {name: its text}."""

    def __init__(self, text, as_is=False):
        self.scripts = {}
        self.track_files = set()
        lines = []
        for line in text.splitlines():
            line = self.line(line)
            if not as_is:
                line = re.sub(r"^(\s*)(%s)(\s+)[\d.]+(?=\s|$)" % "|".join(SHORT),
                              lambda m: f"{m[1]}{m[2]}{m[3]}{SHORT[m[2]]}", line)
                line = re.sub(r"^(\s*virtual_server\s[^!#{]*\{)", r"\1 delay_loop 1", line)
            lines.append(line)
            if not as_is and re.match(r"\s*lvs_sync_daemon\s", line) and "vrrp_startup_delay" not in text:
                lines.append("    vrrp_startup_delay 1")
        self.text = "\n".join(lines) + "\n"

    def line(self, line):
        line = re.sub(r"^(\s*digest\s+)[0-9a-fA-F]{32}", rf"\g<1>{MD5}", line)
        line = re.sub(r"^(\s*regex\s+)(\"[^\"]*\"|\S+)", r"\g<1>ok", line)
        line = re.sub(r"^(\s*(?:file|path)\s+)\"?(/tmp/\S*?|/[\w./-]*/)([\w.-]+\.trk)\"?", rf"\1{FOLDER}/files/\3", line)
        found = re.match(r"(\s*)(script|misc_path|notify\w*|quorum_up|quorum_down|\w*fifo_script)(\s+)(\"?)([^\"\s]+)(.*)",
                         line)
        if not found or found[2] in ("notify_fifo", "notify_wait", "notify_priority") or found[5].startswith(("{", "#")):
            return line
        before, word, space, quote, path, rest = found.groups()
        name = re.sub(r"\W+", "_", path.rsplit("/", 1)[-1]) or "script"
        if word == "misc_path":
            name = f"check_{name}_{hashlib.md5((path + rest).encode()).hexdigest()[:6]}"
            self.scripts[name] = CHECK_SCRIPT.format(folder=FOLDER, name=name)
        elif word == "script":
            self.scripts[name] = "#!/bin/sh\nexit 0\n"
        elif word.endswith("fifo_script"):
            name = f"reader_{word}"
            self.scripts[name] = f"#!/bin/sh\nexec cat \"$1\" >>{FOLDER}/fifo_{word}\n"
        else:
            self.scripts[name] = RECORDER.format(folder=FOLDER)
        return f"{before}{word}{space}{quote}{FOLDER}/bin/{name}{rest}"


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def last(value):
    """Of a keyword that is given more than once, the last counts."""
    return str(value[-1] if isinstance(value, list) else value)


def address_of(on):
    """("10.0.0.1", 80) of "10.0.0.1 80", "[::1]:80 ..." being no form of the language."""
    words = str(on).split()
    return words[0], int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


KNOWS_MORE = ("tcp", "smtp", "http")  # who listens where several checks look: http is enough for a TCP_CHECK, too


class Facts:
    """What a file names, as mainstayctl resolves it: `.servers`, one list of switches for each real server (the numbers
    of its endpoints, the scripts and files that fail it), `.endpoints`, `.interfaces`, `.addresses`, and `.tries`: how
    often each endpoint and script must be looked at until nothing more is to be expected of those who look: {number or
    name: (after it failed, after it came back)}."""

    def __init__(self, rewritten, folder):
        path = folder / "facts.conf"
        path.write_text(rewritten.text, encoding="utf-8", errors="surrogateescape")
        done = subprocess.run([program("mainstayctl"), "config", "convert", path], capture_output=True, text=True, timeout=30)
        self.toml = tomllib.loads(done.stdout)
        self.endpoints, self.servers, self.addresses, self.tries, self.lookers = [], [], set(), {}, {}
        self.files = {name: block.get("file") for kind in ("track_file", "vrrp_track_file")
                      for name, block in self.toml.get(kind, {}).items() if isinstance(block, dict)}
        for service in listed(self.toml.get("virtual_server")):
            for server in listed(service.get("real_server")):
                self.add_server(server, service)
        smtp = str(self.toml.get("global_defs", {}).get("smtp_server", "")).split()
        if smtp and self.literal(smtp[0]):
            self.endpoint("mail", smtp[0], int(smtp[1]) if len(smtp) > 1 else 25)
        self.vips, self.sources = set(), []
        for instance in self.toml.get("vrrp_instance", {}).values():
            if not isinstance(instance, dict):
                continue
            for entry in listed(instance.get("virtual_ipaddress")):
                literal = self.literal(str(entry).split()[0].split("/")[0])
                if literal is not None and literal.version == 4:
                    self.vips.add(str(literal))
            self.sources += [(last(instance.get("interface", "lo")), last(instance[word])) for word in SOURCES
                             if word in instance and self.literal(last(instance[word]))]
        self.addresses -= self.vips | {address for _, address in self.sources} # those are the director's to set
        named = {*self.names(rewritten.text), *self.named_values(self.toml)}
        self.interfaces = sorted(name for name in named - {"lo"} if self.literal(name) is None)

    @staticmethod
    def literal(text):
        try:
            return ipaddress.ip_address(text)
        except ValueError:
            return None

    @staticmethod
    def names(text):
        for line in text.splitlines():
            line = re.split(r"[!#]", line)[0]
            yield from re.findall(r"\b(?:interface|dev|lvs_sync_daemon|lvs_sync_daemon_interface)\s+([a-z][\w.@-]*)", line)
        for block in re.findall(r"track_interface\s*\{([^}]*)\}", text):
            yield from re.findall(r"^\s*([a-z][\w.-]*)", block, re.M)

    def named_values(self, value):
        """Interfaces that a definition names are plain only after it was resolved."""
        for key, held in value.items():
            for one in listed(held):
                if isinstance(one, dict):
                    yield from self.named_values(one)
                elif key in ("interface", "bind_if", "lvs_sync_daemon", "lvs_sync_daemon_interface"):
                    yield from str(one).split()[:1]
                else:
                    yield from re.findall(r"\bdev\s+([a-z][\w.@-]*)", str(one))

    def endpoint(self, kind, address, port, **more):
        datagrams = kind in DATAGRAMS
        known = next((n for n, e in enumerate(self.endpoints)
                      if (e["address"], e["port"], e["kind"] in DATAGRAMS) == (address, port, datagrams)), None)
        if known is not None:
            there = self.endpoints[known]
            there.setdefault("status", {}).update(more.get("status", {}))
            if kind in KNOWS_MORE and there["kind"] in KNOWS_MORE[:KNOWS_MORE.index(kind)]:
                there.update({"tls": None, **more, "kind": kind, "status": there["status"]})
            return known
        self.addresses.add(address)
        self.endpoints.append({"kind": kind, "address": address, "port": port, **more})
        return len(self.endpoints) - 1

    def add_server(self, server, service):
        address, port = address_of(server["on"])
        if not self.literal(address):
            return
        self.addresses.add(address)
        switches = {"endpoints": [], "scripts": [], "files": [], "named": f"{address}:{port}"}
        for kind in CHECKS:
            for check in listed(server.get(kind)):
                check = check if isinstance(check, dict) else {}
                self.add_check(kind, check, address, port, switches)
                self.add_tries(kind, [check, server, service], switches)
        self.servers.append(switches)

    def add_tries(self, kind, blocks, switches):
        """Of a failure the check's retries, of a success each of its URLs; and one look that had begun before."""
        usual = {"DNS_CHECK": 3, "MISC_CHECK": 0}.get(kind, 1)
        retry = next((int(last(block[word])) for block in blocks for word in ("retry", "nb_get_retry") if word in block), usual)
        urls = len(listed(blocks[0].get("url")))
        for key in switches.pop("added"):
            down, up = self.tries.get(key, (0, 0))
            self.lookers[key] = self.lookers.get(key, 0) + 1
            self.tries[key] = (max(down, retry + 2), max(up, urls + 2))

    def looks_until(self, servers, up):
        """{endpoint or script: looks} after which each check of these servers has come to its verdict."""
        keys = {key for server in servers for key in [*server["endpoints"], *server["scripts"]]}
        return {key: self.lookers[key] * self.tries[key][1 if up else 0] for key in keys}

    def add_check(self, kind, check, address, port, switches):
        switches["added"] = []
        for blocks in [check, *(h for h in listed(check.get("host")) if isinstance(h, dict))]:
            self.addresses |= {last(blocks[word]).split()[0] for word in ("bindto", "connect_ip")
                               if word in blocks and self.literal(last(blocks[word]).split()[0])}
        if kind == "MISC_CHECK":
            switches["added"] += [words[0].rsplit("/", 1)[-1] for words in [last(check.get("misc_path", "")).split()] if words]
            switches["scripts"] += switches["added"]
        elif kind == "FILE_CHECK":
            switches["files"].append(self.files.get(check.get("track_file"), None))
        elif kind in KINDS:
            more = {}
            if KINDS[kind] == "http":
                more = {"status": {u.get("path", "/"): int(last(u.get("status_code", 200)).split()[0].split("-")[0])
                                   for u in listed(check.get("url")) if isinstance(u, dict)},
                        "tls": f"{FOLDER}/server.pem" if kind == "SSL_GET" else None}
            at = last(check.get("connect_ip", address))
            to = int(last(check.get("connect_port", port if kind != "DNS_CHECK" else 53))) or port
            for host in [h for h in listed(check.get("host")) if isinstance(h, dict)] or [{}]:
                switches["added"].append(self.endpoint(KINDS[kind], last(host.get("connect_ip", at)),
                                                       int(last(host.get("connect_port", to))), **more))
            switches["endpoints"] += switches["added"]

    def testable(self):
        return [s for s in self.servers if s["endpoints"] or s["scripts"] or s["files"]]


class World:
    """One host with that world; the director is started there."""

    def __init__(self, lan, name, rewritten, facts):
        self.host = lan.host(name)
        self.facts = facts
        # Mails bear the host's name, where it can be resolved.
        self.host.write("/run/host/hosts", "127.0.0.1 localhost\n127.0.1.1 director\n")
        self.host.run(["sh", "-c", "mount --bind /run/host/hosts /etc/hosts && hostname director"])
        for part in ("bin", "files", "down"):
            self.host.path(f"{FOLDER}/{part}").mkdir(parents=True)
            self.host.path(f"{FOLDER}/{part}").chmod(0o755)
        for file in ("calls", "mails", "runs"):
            self.host.write(f"{FOLDER}/{file}", "", 0o666)
        for script, text in rewritten.scripts.items():
            self.host.write(f"{FOLDER}/bin/{script}", text, 0o755)
        for file in filter(None, facts.files.values()):
            if file.startswith(FOLDER):
                self.host.write(file, "0\n")
        self.make_interfaces(lan)
        self.make_servers()

    def make_interfaces(self, lan):
        lines = []
        for number, name in enumerate(self.facts.interfaces):
            lines += [f"link add {name} type dummy", f"link set {name} addr 02:00:00:00:00:{number + 1:02x} multicast on arp on up",
                      f"addr add 10.200.{number}.1/24 dev {name}"]
        for device, address in sorted(set(self.facts.sources)):
            lines.append(f"addr add {address}/{24 if '.' in address else 64} dev {device}")
        for address in sorted(self.facts.addresses):
            parsed = ipaddress.ip_address(address)
            if not parsed.is_loopback:
                lines.append(f"addr add {address}/{parsed.max_prefixlen} dev lo" + (" nodad" if parsed.version == 6 else ""))
        lan.ip_batch(self.host.pid, "\n".join(lines) + "\n")

    def make_servers(self):
        if any(e.get("tls") for e in self.facts.endpoints):
            self.host.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-subj", "/CN=server", "-days", "2", "-keyout", f"{FOLDER}/server.pem", "-out", "/run/cert.pem"])
            pem = self.host.read(f"{FOLDER}/server.pem") + self.host.read("/run/cert.pem")
            self.host.write(f"{FOLDER}/server.pem", pem)
        self.host.write(f"{FOLDER}/endpoints", json.dumps(self.facts.endpoints))
        self.playing = self.host.start(["/usr/bin/python3", SERVERS, f"{FOLDER}/endpoints", f"{FOLDER}/mails"],
                                       name="servers", pipe=True)

    def ready(self):
        line = self.playing.popen.stdout.readline()
        if line != "ready\n":
            raise RuntimeError(f"the servers do not start: {self.playing.output()}")

    def switch(self, servers, up):
        """Takes these servers (of facts.servers) down or up."""
        numbers = sorted({str(n) for s in servers for n in s["endpoints"]})
        if numbers:
            self.playing.popen.stdin.write(f"{'up' if up else 'down'} {' '.join(numbers)}\n")
            self.playing.popen.stdin.flush()
            self.playing.popen.stdout.readline()
        for script in {s for server in servers for s in server["scripts"]}:
            mark = self.host.path(f"{FOLDER}/down/{script}")
            mark.unlink(missing_ok=True) if up else mark.touch()
        for file in sorted({f for server in servers for f in server["files"] if f and f.startswith(FOLDER)}):
            self.host.write(file, "0\n" if up else "-255\n")

    def looks(self):
        """How often each endpoint (by its number) and each check's script was looked at so far."""
        self.playing.popen.stdin.write("looks\n")
        self.playing.popen.stdin.flush()
        counts = dict(enumerate(json.loads(self.playing.popen.stdout.readline())))
        counts.update(collections.Counter(self.host.read(f"{FOLDER}/runs").split()))
        return counts

    # ---- what is to be seen ----

    def table(self):
        """The kernel's IPVS table without its counters, in an order of its own; read without running anything."""
        try:
            text = self.host.path("/proc/1/net/ip_vs").read_text(encoding="ascii")
        except OSError:
            return []
        services = []
        for line in text.splitlines()[3:]:
            if line.lstrip().startswith("->"):
                services[-1][1].append(line.split()[1:4])
            else:
                services.append((line.split(), []))
        return sorted((service, sorted(servers)) for service, servers in services)

    def held(self):
        """The host's IPv4 addresses."""
        lines = self.host.path("/proc/1/net/fib_trie").read_text(encoding="ascii").splitlines()
        return sorted({last.split()[-1] for last, line in zip(lines, lines[1:]) if "host LOCAL" in line})

    def calls(self):
        return self.host.read(f"{FOLDER}/calls").splitlines()

    def fifos(self):
        return [f"{path.name}: {line}" for path in sorted(self.host.path(FOLDER).glob("fifo_*"))
                for line in path.read_text(encoding="utf-8").replace("\0", "").splitlines()]

    def mails(self):
        told = [json.loads(line) for line in self.host.read(f"{FOLDER}/mails").splitlines()]
        return [said_of(mail) for mail in told]

    def net(self, *command):
        done = subprocess.run(["nsenter", f"--net=/proc/{self.host.pid}/ns/net", *command], capture_output=True, text=True,
                              timeout=30, check=True)
        return done.stdout.splitlines()

    def rules(self):
        return self.net("ipvsadm", "-Sn") + self.net("ipvsadm", "-Ln", "--daemon")

    def addresses(self):
        return sorted(" ".join(re.sub(r"fe80::\S+", "", line).split()) for line in self.net("ip", "-br", "addr"))


def said_of(mail):
    """What a mail says, without when and by whom it was carried, and without the reason, which keepalived's mails lack."""
    head, _, body = mail["message"].replace("\r\n", "\n").partition("\n\n")
    body = re.sub(r"^Reason: .*\n", "", body, flags=re.M)
    subject = re.search(r"^Subject: (.*(?:\n[ \t].*)*)", head, re.M)
    return f"{','.join(mail['to'])}: {subject[1] if subject else '-'}: {' / '.join(body.split(chr(10))).strip(' /')}"
