"""What happens between two reloads of a walk of VRRP, and what may be absent for a moment in a reload."""


def choose(nodes, rng):
    return []


def allowed(loss, before, after):
    return None
