"""sbom.py BUILD [EPOCH]

Prints the software bill of materials of the programs in the build folder BUILD, as SPDX 2.3 JSON: what meson found, the
packages whose shared libraries the programs load, and what lies in third_party. EPOCH (default: SOURCE_DATE_EPOCH,
or 0) is the time it names. The same build folder gives the same text on a host with the same packages.
"""

import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
NOTHING = "NOASSERTION"


def output_of(*command):
    """What a program printed, whatever its status; nothing if it is missing."""
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False).stdout


def distribution():
    lines = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    return known.get("ID", "linux").strip('"')


def owners_of(paths):
    """{path: (name, version, architecture)} of the distribution's packages that files belong to."""
    if not paths:
        return {}
    if not shutil.which("dpkg"):
        form = "%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\n"
        shown = {path: output_of("rpm", "-qf", "--qf", form, path).split() for path in paths}
        return {path: tuple(words[:3]) for path, words in shown.items() if len(words) == 3}
    # dpkg knows a file under the path it had before /lib became a link, or after it.
    names = {path: {path, os.path.realpath(path)} for path in paths}
    names = {path: both | {name.removeprefix("/usr") for name in both if name.startswith("/usr/lib")}
             for path, both in names.items()}
    shown = output_of("dpkg", "-S", *sorted(set().union(*names.values())))
    holder = {name: owner for owner, name in re.findall(r"^([^,\s]+): (/.*)$", shown, re.MULTILINE)}
    owner = {path: holder[name] for path, both in names.items() for name in sorted(both) if name in holder}
    if not owner:
        return {}
    form = "${Package} ${Version} ${Architecture}\n"
    lines = output_of("dpkg-query", "-W", "-f", form, *sorted(set(owner.values()))).splitlines()
    versions = {line.split()[0]: tuple(line.split()) for line in lines}
    return {path: versions[name.split(":")[0]] for path, name in owner.items() if name.split(":")[0] in versions}


def purl(owner):
    kind = "deb" if shutil.which("dpkg") else "rpm"
    name, version, architecture = owner
    return f"pkg:{kind}/{distribution()}/{name}@{version.replace('+', '%2B')}?arch={architecture}"


def programs_of(build):
    files = (build / "src" / "cli").glob("mainstay*")
    return sorted(path for path in files if path.is_file() and os.access(path, os.X_OK))


def needed_by(programs):
    """The names of the shared libraries that the programs name themselves: libfmt.so.9."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-dW", *programs)))


def libraries_of(named):
    """Their paths."""
    cache = re.findall(r"^\s*(\S+) \(.*\) => (/\S+)$", output_of("/sbin/ldconfig", "-p"), re.MULTILINE)
    paths = {}
    for name, path in cache:
        paths.setdefault(name, path)  # the first is the one of this architecture
    return sorted(paths[name] for name in named if name in paths)


def spdx_id(*parts):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(parts))


def package(identifier, name, version, owner=None, **more):
    entry = {"SPDXID": identifier, "name": name, "versionInfo": version, "downloadLocation": NOTHING,
             "filesAnalyzed": False, "licenseConcluded": NOTHING, "licenseDeclared": NOTHING, "copyrightText": NOTHING}
    if owner:
        entry["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": purl(owner)}]
    return {**entry, **more}


def vendored():
    """uPlot, which is a file of this repository and becomes part of a program."""
    script = TOP / "third_party" / "uplot" / "uPlot.iife.min.js"
    version = re.search(r"\(v([\d.]+)\)", script.read_text(encoding="utf-8")[:200])[1]
    return package(spdx_id("vendored", "uPlot"), "uPlot", version, licenseConcluded="MIT", licenseDeclared="MIT",
                   copyrightText="Copyright (c) 2022 Leon Sorokin",
                   downloadLocation="https://github.com/leeoniya/uPlot",
                   externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": f"pkg:npm/uplot@{version}"}])


def dependencies_of(build, named):
    """Those that meson found: (name, version, whether the programs load its library)."""
    found = json.loads(subprocess.run(["meson", "introspect", str(build), "--dependencies"], capture_output=True,
                                      text=True, check=True).stdout)
    known = {}
    for entry in found:
        files = [os.path.basename(os.path.realpath(word)) for word in entry["link_args"]]
        loaded = any(file == name or file.startswith(name + ".") for file in files for name in named)
        if entry["version"] not in ("", "unknown"):
            known[entry["name"]] = (entry["version"], loaded)
    return sorted((name, version, loaded) for name, (version, loaded) in known.items())


def descriptions_of(names):
    """{name: path of its file for pkg-config}, as far as there is one."""
    folders = output_of("pkg-config", "--variable=pc_path", "pkg-config").strip().split(":")
    return {name: f"{folder}/{name}.pc" for name in names for folder in reversed(folders)
            if os.path.isfile(f"{folder}/{name}.pc")}


def bill(build, epoch):
    version = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text(encoding="utf-8"))[1]
    own = package("SPDXRef-mainstay", "mainstay", version, licenseConcluded="Apache-2.0", licenseDeclared="Apache-2.0",
                  copyrightText="Copyright the mainstay developers", primaryPackagePurpose="APPLICATION")
    plot = vendored()
    packages = [own, plot]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]), (own["SPDXID"], "CONTAINS", plot["SPDXID"])]
    named = needed_by(programs_of(build))
    dependencies = dependencies_of(build, named)
    described = descriptions_of([name for name, _, _ in dependencies])
    libraries = libraries_of(named)
    owners = owners_of([*described.values(), *libraries])
    for name, number, loaded in dependencies:
        entry = package(spdx_id("build", name), name, number, owners.get(described.get(name)))
        packages.append(entry)
        # Of a dependency whose library is not loaded the headers are used: its code is in the programs.
        relations.append((entry["SPDXID"], "BUILD_DEPENDENCY_OF", own["SPDXID"]) if loaded else
                         (own["SPDXID"], "STATIC_LINK", entry["SPDXID"]))
    for owner in sorted({owners[path] for path in libraries if path in owners}):
        entry = package(spdx_id("library", owner[0]), owner[0], owner[1], owner)
        packages.append(entry)
        relations.append((own["SPDXID"], "DYNAMIC_LINK", entry["SPDXID"]))
    content = {"packages": packages, "relationships": [
        {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        for one, kind, other in relations]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    time = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"mainstay-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/mainstay-{version}-{platform.machine()}-{digest[:32]}",
            "creationInfo": {"created": f"{time:%Y-%m-%dT%H:%M:%SZ}",
                             "creators": ["Tool: mainstay-tools-release-sbom"]},
            **content}


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__.splitlines()[0])
    build = pathlib.Path(arguments[0])
    if not programs_of(build):
        sys.exit(f"sbom: no programs in {build}/src/cli: build first (ninja -C {build})")
    epoch = int(arguments[1] if len(arguments) == 2 else os.environ.get("SOURCE_DATE_EPOCH", "0"))
    print(json.dumps(bill(build, epoch), indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
