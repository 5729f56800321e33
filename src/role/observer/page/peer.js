// The other director of a pair beside this one, with what they do not agree about. This daemon asks the peer: the browser
// talks to nobody else.
"use strict";

const kPeerEveryMs = 2000, kPeerRareMs = 60000, kPeerRowsShown = 200;
const kNotCompared = "The peer's state cannot be compared: it may be of another version. Its own page shows it.";
const peer = { timer: 0, document: null, problem: "", configured: true };

function instanceProblems(ours, theirs) {
  if (!ours) return ["only the peer has it"];
  if (!theirs) return ["the peer does not have it"];
  const problems = [];
  if (ours.state === "MASTER" && theirs.state === "MASTER") problems.push("both are MASTER");
  if (ours.state !== "MASTER" && theirs.state !== "MASTER") problems.push("neither is MASTER");
  const differ = (what, of) => {
    if (of(ours) !== of(theirs)) problems.push(`configured differently: ${what}`);
  };
  differ("VRID", (one) => one.virtual_router_id);
  differ("family", (one) => one.family);
  differ("version", (one) => one.version);
  differ("addresses", (one) => [...one.addresses].sort().join(" "));
  return problems;
}

function byName(list) {
  return new Map((list || []).map((one) => [one.name, one]));
}

// [{name, ours, theirs, problems}], by the names of both.
function comparedInstances(ours, theirs) {
  const here = byName(ours.vrrp && ours.vrrp.instances), there = byName(theirs.vrrp && theirs.vrrp.instances);
  return [...new Set([...here.keys(), ...there.keys()])].map((name) => ({
    name, ours: here.get(name), theirs: there.get(name), problems: instanceProblems(here.get(name), there.get(name)),
  }));
}

// Servers that the two see in different states, and virtual servers that only one of them has.
function differentServers(ours, theirs) {
  const here = byName(ours.lvs && ours.lvs.services), there = byName(theirs.lvs && theirs.lvs.services);
  const found = [];
  for (const name of new Set([...here.keys(), ...there.keys()])) {
    const mine = here.get(name), other = there.get(name);
    if (!mine || !other) {
      found.push({ service: name, server: "", ours: mine ? serviceState(mine) : "–", theirs: other ? serviceState(other) : "–" });
      continue;
    }
    const states = byName(other.servers), seen = new Set();
    for (const server of mine.servers) {
      seen.add(server.name);
      const state = states.has(server.name) ? serverState(states.get(server.name)) : "–";
      if (state !== serverState(server)) found.push({ service: name, server: server.address, ours: serverState(server), theirs: state });
    }
    for (const server of other.servers) {
      if (!seen.has(server.name)) found.push({ service: name, server: server.address, ours: "–", theirs: serverState(server) });
    }
  }
  return found;
}

function sideCell(instance) {
  if (!instance) return element("td", {}, "–");
  return element("td", {}, badge(instance.state), element("span", { class: "more" }, `priority ${instance.priority}` +
    (instance.fault ? `, ${instance.fault}` : "")));
}

function pairRow(one) {
  const problems = element("td", {});
  for (const problem of one.problems) problems.append(element("span", { class: "effect bad" }, problem));
  if (!one.problems.length) problems.append("agree");
  return element("tr", { "data-key": `pair ${one.name} ${one.problems.join()}` }, element("th", { scope: "row" }, one.name),
    sideCell(one.ours), sideCell(one.theirs), problems);
}

function differenceRow(one) {
  const state = (text) => element("td", {}, text === "–" ? "–" : badge(text));
  return element("tr", {}, element("th", { scope: "row" }, one.service), element("td", {}, one.server || "all of it"), state(one.ours), state(one.theirs));
}

function pairSentence(instances, servers) {
  const wrong = instances.filter((one) => one.problems.length).length;
  const parts = [];
  if (wrong) parts.push(`${wrong} of ${instances.length} instances disagree`);
  if (servers.length) parts.push(`${counted(servers.length, "server")} in different states`);
  return parts.length ? parts.join(", ") : "Both directors agree.";
}

// null: the peer's document lacks what this version compares.
function comparedWith(theirs, ours) {
  try {
    return { instances: comparedInstances(ours, theirs), servers: differentServers(ours, theirs) };
  } catch {
    return null;
  }
}

function showPair(state) {
  const at = (id) => document.getElementById(id);
  at("pair-section").hidden = !peer.configured || (!peer.document && !peer.problem);
  if (at("pair-section").hidden || !state) return;
  const compared = peer.document && !peer.problem ? comparedWith(peer.document, state) : null;
  const problem = peer.problem || (compared ? "" : kNotCompared);
  at("pair-problem").hidden = !problem;
  if (at("pair-problem").textContent !== problem) at("pair-problem").textContent = problem;
  at("pair-tables").hidden = !compared;
  if (!compared) {
    at("pair-text").textContent = "";
    return;
  }
  const { instances, servers } = compared;
  const text = `${state.host} and ${peer.document.host}: ${pairSentence(instances, servers)}` +
    (peer.document.maintenance ? " The peer is in maintenance." : "") +
    (peer.document.version === state.version ? "" : ` The peer runs mainstay ${peer.document.version || "of an unknown version"}.`);
  if (at("pair-text").textContent !== text) at("pair-text").textContent = text;
  at("pair-here").textContent = state.host;
  at("pair-there").textContent = peer.document.host;
  at("pair-instances").replaceChildren(...instances.map(pairRow));
  at("pair-servers-table").hidden = !servers.length;
  at("pair-servers").replaceChildren(...servers.slice(0, kPeerRowsShown).map(differenceRow));
}

async function readPeer() {
  try {
    const answer = await fetch("api/v1/peer/status", { cache: "no-store" });
    const said = await answer.json();
    peer.configured = !answer.ok || "host" in said;
    peer.problem = answer.ok || !peer.configured ? "" : [said.error, said.hint].filter(Boolean).join("; ");
    if (answer.ok && peer.configured) peer.document = said;
  } catch {
    peer.problem = "The peer's answer could not be read.";
  }
  showPair(page.document);
  peer.timer = setTimeout(readPeer, peer.configured ? kPeerEveryMs : kPeerRareMs);
}

document.addEventListener("DOMContentLoaded", readPeer);
