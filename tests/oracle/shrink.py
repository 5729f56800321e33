"""Makes a walk shorter as long as it still finds the same: first its steps, then the parts of its files."""

import dataclasses

from . import tree


def chunks(items, size):
    return [items[at:at + size] for at in range(0, len(items), size)]


def minimise(items, still, tries):
    """Delta debugging: a short list that `still` holds for, in at most so many tries."""
    size = max(1, len(items) // 2)
    while items and tries.left > 0:
        for part in chunks(items, size):
            rest = [item for item in items if item not in part]
            if len(rest) < len(items) and tries.take() and still(rest):
                items = rest
                break
        else:
            if size == 1:
                break
            size = max(1, size // 2)
    return items


class Tries:
    def __init__(self, most):
        self.left = most

    def take(self):
        self.left -= 1
        return self.left >= 0


def with_steps(walk, positions):
    return dataclasses.replace(walk, steps=[walk.steps[at] for at in positions])


def without_parts(walk, gone):
    def cut(text):
        return tree.text(tree.without(tree.parse(text), gone))
    steps = [{**step, "to": cut(step["to"])} if step["do"] == "reload" else step for step in walk.steps]
    return dataclasses.replace(walk, start=cut(walk.start), steps=steps)


def parts_of(walk):
    """All paths of all files; the outer ones first, so that whole blocks go before their lines."""
    found = {}
    for text in [walk.start, *(step["to"] for step in walk.steps if step["do"] == "reload")]:
        found.update(dict.fromkeys(tree.paths(tree.parse(text))))
    return sorted(found, key=len)


def shrink(walk, finding, attempt, keeps=lambda path: False, most_tries=150):
    """The shortest walk that was found, and what it finds. `attempt(walk)` gives a Finding or None."""
    best = {"walk": dataclasses.replace(walk, steps=walk.steps[:finding.step + 1]), "finding": finding}
    tries = Tries(most_tries)

    def still(candidate):
        found = attempt(candidate)
        if found is None or not found.kind() & finding.kind():
            return False
        best.update(walk=dataclasses.replace(candidate, steps=candidate.steps[:found.step + 1]), finding=found)
        return True

    # Most findings need their last two files alone.
    last = [step for step in best["walk"].steps if step["do"] == "reload"][-2:]
    if len(last) == 2 and tries.take():
        still(dataclasses.replace(walk, start=last[0]["to"], steps=[last[1]]))
    whole = best["walk"]
    minimise(list(range(len(whole.steps))), lambda positions: still(with_steps(whole, positions)), tries)
    for _ in range(2):
        whole = best["walk"]
        all_parts = [path for path in parts_of(whole) if not keeps(path)]
        minimise(all_parts, lambda kept: still(without_parts(whole, set(all_parts) - set(kept))), tries)
    return best["walk"], best["finding"]
