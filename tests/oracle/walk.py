"""A walk: the file that a daemon starts with, and the steps that follow. Plain data, made from a seed.

A step is a dict, and "do" says what is done:

    {"do": "reload", "to": TEXT}            the file is replaced and SIGHUP is sent
    {"do": "kill", "role": COMM}            a role is killed with SIGKILL
    {"do": "upgrade"}                       mainstayctl upgrade, to the same program
    {"do": "drift", "run": [[WORD...]...]}  somebody runs these commands; what they change of mainstay's must be
                                            repaired by the next reload, what they change of the host's own must stay
    anything else                           is the domain's (Domain.carry_out)
"""

import dataclasses
import random

from . import tree


@dataclasses.dataclass
class Walk:
    domain: str
    start: str
    steps: list
    seed: int | None = None

    def reloads(self):
        return sum(step["do"] == "reload" for step in self.steps)

    def as_test(self):
        """The walk as the body of a test that can be pasted into tests/oracle."""
        lines = [f'def test_found_by_the_oracle_{self.seed or 0}(lan):', f'    walk = Walk({self.domain!r}, start="""',
                 self.start.rstrip("\n"), '""", steps=[']
        for step in self.steps:
            if step["do"] == "reload":
                lines += ['    {"do": "reload", "to": """', step["to"].rstrip("\n"), '"""},']
            else:
                lines.append(f"    {step!r},")
        return "\n".join([*lines, "    ])", "    assert run_walk(lan, walk) is None", ""])


def make(domain, seed, reloads):
    """The walk of a seed: a first file, and random steps until there are so many reloads."""
    rng = random.Random(f"{domain.name} {seed}")
    nodes = domain.first(rng)
    walk = Walk(domain.name, tree.text(nodes), [], seed)
    while walk.reloads() < reloads:
        others = domain.other_steps(nodes, rng)
        walk.steps += others
        # What others changed is repaired by a reload at the latest: of the same file, or of another one.
        if not others or rng.random() < 0.5:
            nodes = domain.changed(tree.copy(nodes), rng)
        walk.steps.append({"do": "reload", "to": tree.text(nodes)})
    return walk
