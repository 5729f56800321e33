"""What the framework wants of a half of mainstay (VRRP, IPVS); and what differences look like."""

import json


class Domain:
    """The base class says what there is to give; each half overrides it."""

    name = ""
    roles = ()           # process names that a walk may kill
    inside = ""          # module that agent.py loads inside a host; it has a class Inside
    reload_seconds = 1.0     # after the reload's end everything is as after a fresh start
    settle_seconds = 3.0     # the same after a kill and after an upgrade
    steady_seconds = 8.0     # a fresh start must be steady within this
    start_is_watched = False # what a fresh start loses, or puts in and does not want, is a finding

    def first(self, rng):
        """Nodes (tree.py) of a first configuration."""
        raise NotImplementedError

    def changed(self, nodes, rng):
        """The nodes with a few things changed; may change them in place."""
        raise NotImplementedError

    def other_steps(self, nodes, rng):
        """Steps before the next reload: kills, upgrades, drift, a peer; often none."""
        return []

    def boot(self, lan, side):
        """A host ready for a daemon. Both sides ("walked", "fresh") look the same: names, MAC addresses, addresses."""
        raise NotImplementedError

    def carry_out(self, step, side):
        """A step of the domain's own, on each of the two sides (world.Side)."""
        raise NotImplementedError

    def options(self):
        """More options of mainstayd."""
        return ()

    def steady(self, snapshot, side):
        """Whether this state of a fresh start is its last one."""
        return True

    def quiet_seconds(self, snapshot, side):
        """For how long a state has to be the same before it is the last one."""
        return 0.03

    def keeps(self, path):
        """Whether the shrinker has to leave this part of a file (a path of tree.py) as it is."""
        return False

    def allowed(self, loss, before, after, losses):
        """None, or the reason why something that both states have was absent in between. Few and literal.

        `loss` is one of `losses`, which Inside.losses() gave; `before` and `after` (run.State) are the two files and what
        follows from them.
        """
        return None

    def excused(self, line, said):
        """Whether this line of differences says nothing of mainstay. `said` is the log of the fresh start."""
        return False

    def allowed_after(self, loss, state, said):
        """The same after a kill or an upgrade, in the one state."""
        return None


def differences(walked, fresh, path=""):
    """Lines that say what differs between two snapshots of plain data."""
    if walked == fresh:
        return []
    if isinstance(walked, dict) and isinstance(fresh, dict):
        lines = []
        for key in sorted({*walked, *fresh}, key=str):
            here = f"{path}/{key}"
            if key not in walked:
                lines.append(f"missing {here}: {short(fresh[key])}")
            elif key not in fresh:
                lines.append(f"left over {here}: {short(walked[key])}")
            else:
                lines += differences(walked[key], fresh[key], here)
        return lines
    if isinstance(walked, list) and isinstance(fresh, list):
        have, want = list(map(short, walked)), list(map(short, fresh))
        lines = [f"missing {path}: {text}" for text in want if want.count(text) > have.count(text)]
        lines += [f"left over {path}: {text}" for text in have if have.count(text) > want.count(text)]
        return list(dict.fromkeys(lines)) or [f"another order {path}: {have} instead of {want}"]
    return [f"differs {path}: {short(walked)} instead of {short(fresh)}"]


def short(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
