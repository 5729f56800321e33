"""Faults that the walks of virtual servers must find; rows as in tests/sim/mutations.py, for src/lvs."""

MUTATIONS = [
    ("sorry-server-of-before", "judge_reload.cpp", "a sorry server that is configured no more stays in use",
     "before.states[old].sorry_in_use && config.sorry_server.has_value()", "before.states[old].sorry_in_use"),
    ("kept-forgotten", "judge_reload.cpp", "a reload forgets whom min_alive keeps",
     "server.kept = old_server.kept && !all_up(server);", "server.kept = false;"),
    ("mark-of-another", "judge_marks.cpp", "a group keeps its mark though another one has it by its file",
     "if (found != before.end() && used.insert(found->second).second) marks_.insert(*found);",
     "if (found != before.end()) marks_.insert(*found);"),
    ("servers-left-in", "plan.cpp", "servers that are wanted no more stay",
     "if (seen.contains(destination.endpoint)) continue;", "continue;"),
    ("zero-first", "plan.cpp", "servers are given weight 0 before others are there",
     "out.insert(out.end(), to_zero.begin(), to_zero.end());",
     "{ auto copy = out; out.assign(to_zero.begin(), to_zero.end()); out.insert(out.end(), copy.begin(), copy.end()); }"),
    ("services-left-in", "ledger.cpp", "services that are wanted no more stay",
     "leftover_.insert(wanted_[at].service.key);\n        note_difference(at);", "note_difference(at);"),
    ("weight-not-written", "ledger.cpp", "what a service is to be is not compared anew",
     "if (wanted_[at] == wanted) return;\n    note_difference(at);\n    wanted_[at] = std::move(wanted);",
     "if (wanted_[at] == wanted) return;\n    wanted_[at] = std::move(wanted);"),
    ("drained-kept", "judge_gradual.cpp", "min_alive keeps a drained server",
     "if (least == 0 || server.hold == Hold::Drained) return false;", "if (least == 0) return false;"),
]
