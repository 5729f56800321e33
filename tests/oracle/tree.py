"""A configuration as a tree, so that a generator can change a few things of it and a shrinker can leave parts out.

A node is a line (a str without braces) or a Block: a head and nodes. parse(text(nodes)) gives the same nodes again.
"""


class Block:
    def __init__(self, head, nodes=()):
        self.head = head
        self.nodes = list(nodes)

    def __eq__(self, other):
        return isinstance(other, Block) and (self.head, self.nodes) == (other.head, other.nodes)

    def __repr__(self):
        return f"Block({self.head!r}, {self.nodes!r})"

    def copy(self):
        return Block(self.head, copy(self.nodes))

    @property
    def keyword(self):
        return self.head.split()[0]

    @property
    def name(self):
        """What follows the keyword: "VI_1" of `vrrp_instance VI_1`."""
        return " ".join(self.head.split()[1:])

    def lines(self, keyword=None):
        return [n for n in self.nodes if isinstance(n, str) and (keyword is None or n.split()[0] == keyword)]

    def blocks(self, keyword=None):
        return [n for n in self.nodes if isinstance(n, Block) and (keyword is None or n.keyword == keyword)]

    def value(self, keyword, default=None):
        """The words after the first line of this keyword."""
        found = self.lines(keyword)
        return " ".join(found[0].split()[1:]) if found else default

    def put(self, line):
        """Replaces the line of the same keyword, or adds it."""
        keyword = line.split()[0]
        for at, node in enumerate(self.nodes):
            if isinstance(node, str) and node.split()[0] == keyword:
                self.nodes[at] = line
                return
        self.nodes.append(line)

    def drop(self, keyword):
        self.nodes = [n for n in self.nodes if keyword_of(n) != keyword]

    def block(self, head):
        """The block of this head, which is made when there is none."""
        for node in self.nodes:
            if isinstance(node, Block) and node.head == head:
                return node
        self.nodes.append(Block(head))
        return self.nodes[-1]


def keyword_of(node):
    return node.keyword if isinstance(node, Block) else node.split()[0]


def copy(nodes):
    return [n.copy() if isinstance(n, Block) else n for n in nodes]


def text(nodes, indent=""):
    lines = []
    for node in nodes:
        if isinstance(node, Block):
            lines += [f"{indent}{node.head} {{\n", text(node.nodes, indent + "    "), f"{indent}}}\n"]
        else:
            lines.append(f"{indent}{node}\n")
    return "".join(lines)


def parse(string):
    root = Block("root")
    stack = [root]
    for line in string.splitlines():
        line = line.strip()
        if line.endswith("{"):
            block = Block(line[:-1].strip())
            stack[-1].nodes.append(block)
            stack.append(block)
        elif line == "}":
            stack.pop()
        elif line:
            stack[-1].nodes.append(line)
    if len(stack) != 1:
        raise ValueError("braces do not match")
    return root.nodes


def paths(nodes, above=()):
    """Every part as the chain of heads that leads to it, the outer ones first."""
    for node in nodes:
        if isinstance(node, Block):
            yield (*above, node.head)
            yield from paths(node.nodes, (*above, node.head))
        else:
            yield (*above, node)


def without(nodes, gone, above=()):
    """A copy without the parts that these paths name."""
    kept = []
    for node in nodes:
        path = (*above, node.head if isinstance(node, Block) else node)
        if path in gone:
            continue
        kept.append(Block(node.head, without(node.nodes, gone, path)) if isinstance(node, Block) else node)
    return kept
