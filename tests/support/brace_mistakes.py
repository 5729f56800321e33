"""Sound files with one or two mistakes in their braces, from a seed: services, a group, instances, scripts, value blocks."""

import random

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "sh")


def mistaken(seed, number):
    """The text of file `number` of this seed, and what was done to it."""
    chance = random.Random(f"{seed}/{number}")
    lines = sound(chance)
    done = []
    for _ in range(chance.choice((1, 1, 2))):
        mistake = chance.choice(MISTAKES)
        done.append(f"{mistake.__name__} at {mistake(chance, lines)}")
    return "\n".join(lines) + "\n", ", ".join(done)


# ---- the file -----------------------------------------------------------------------------------------------------

def sound(chance):
    """The lines of a file without a mistake. It is indented, as people do; a brace ends the line of its keyword."""
    parts = [["global_defs {", "    router_id R", "    vrrp_garp_master_repeat 1", "    enable_script_security",
              "    script_user root", "}"]]
    parts += [service(chance, i) for i in range(1, chance.randint(3, 4))]
    if chance.random() < 0.4:
        parts += [["virtual_server_group G {", "    10.1.9.1 80", "    10.1.9.2 80", "}"], service(chance, 9, "group G")]
    routers = [instance(chance, i) for i in range(1, chance.randint(1, 4))]
    if routers and chance.random() < 0.3:
        parts += [["vrrp_script check {", "    script \"/bin/true\"", "    interval 1", "}"]]
        routers[0][-1:] = ["    track_script {", "        check", "    }", "}"]
    parts += routers
    if chance.random() < 0.5:
        first, rest = parts[:1], parts[1:]
        services = [p for p in rest if p[0].startswith("virtual")]
        parts = first + [p for p in rest if p not in services] + services
    return [line for part in parts for line in part]


def service(chance, number, name=None):
    lines = [f"virtual_server {name or f'10.1.0.{number} 80'} {{", "    delay_loop 5000",
             f"    lb_algo {chance.choice(SCHEDULERS)}",
             f"    lb_kind {chance.choice(('NAT', 'DR'))}", f"    protocol {chance.choice(('TCP', 'TCP', 'UDP'))}"]
    for server in range(1, chance.randint(2, 4)):
        lines += [f"    real_server 127.{number}.0.{server} 80 {{", f"        weight {chance.randint(1, 9)}"]
        if chance.random() < 0.3:
            lines += ["        MISC_CHECK {", "            misc_path \"/bin/true\"", "            misc_timeout 3", "        }"]
        lines += ["    }"]
    return lines + ["}"]


def instance(chance, number):
    lines = [f"vrrp_instance VI_{number} {{", "    state MASTER", "    interface eth0", f"    virtual_router_id {number}",
             "    version 3", "    advert_int 0.1", f"    priority {chance.randint(100, 255)}"]
    lines += ["    virtual_ipaddress {", *(f"        10.3.{number}.{i}/24" for i in range(1, chance.randint(2, 4))), "    }"]
    if chance.random() < 0.4:
        lines += ["    virtual_ipaddress_excluded {", f"        10.4.{number}.1/32", "    }"]
    if chance.random() < 0.3:
        lines += ["    track_interface {", "        eth0", "    }"]
    return lines + ["}"]


# ---- the mistakes: each changes the lines and tells where, as a line's number --------------------------------------

def openers(lines):
    return [i for i, line in enumerate(lines) if line.endswith("{")]


def closers(lines):
    return [i for i, line in enumerate(lines) if line.strip() == "}"]


def values(lines):
    return [i for i, line in enumerate(lines) if line.strip() and not line.endswith(("{", "}"))]


def one_of(chance, numbers):
    return chance.choice(numbers) if numbers else 0


def open_twice(chance, lines):
    at = one_of(chance, openers(lines))
    lines[at] += " {"
    return at + 1


def open_alone(chance, lines):
    at = chance.randrange(len(lines))
    lines.insert(at, "{")
    return at + 1


def open_behind_a_value(chance, lines):
    at = one_of(chance, values(lines))
    lines[at] += " {"
    return at + 1


def no_open(chance, lines):
    at = one_of(chance, openers(lines))
    lines[at] = lines[at].rstrip("{ ")
    return at + 1


def open_below(chance, lines):
    at = one_of(chance, openers(lines))
    lines[at] = lines[at].rstrip("{ ")
    lines[at + 1:at + 1] = ["", "{"]
    return at + 1


def no_close(chance, lines):
    at = one_of(chance, closers(lines))
    del lines[at]
    return at + 1


def close_alone(chance, lines):
    at = chance.randrange(len(lines))
    lines.insert(at, "}")
    return at + 1


def close_behind_a_value(chance, lines):
    at = one_of(chance, values(lines))
    lines[at] += " }"
    return at + 1


def unknown_block(chance, lines):
    """Around some lines whose own braces fit."""
    at = chance.randrange(len(lines))
    depth, end = 0, at
    while end < len(lines) and (depth > 0 or end < at + chance.randint(1, 6)):
        depth += lines[end].count("{") - lines[end].count("}")
        if depth < 0:
            break
        end += 1
    lines[at:end] = ["site {", *lines[at:end], "}"]
    return at + 1


def misspelt_block(chance, lines):
    at = one_of(chance, openers(lines))
    word = lines[at].split()[0]
    lines[at] = lines[at].replace(word, word[:-2] + word[-1], 1)
    return at + 1


MISTAKES = (open_twice, open_alone, open_behind_a_value, no_open, open_below, no_close, close_alone, close_behind_a_value,
            unknown_block, misspelt_block)
