// From the state document to the page's elements. Texts are set as text, never as markup: names may hold anything.
"use strict";

const kWorse = "worse: ";

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

function badge(state) {
  return element("span", { class: `badge ${tone(state)}` }, state);
}

function cell(text, more, className) {
  return element("td", { class: className }, text, more ? element("span", { class: "more" }, more) : null);
}

// What an instance's priority consists of.
function prioritySum(instance) {
  if (instance.base_priority === 255) return "owner of the addresses";
  const difference = instance.priority - instance.base_priority;
  if (difference === 0) return "";
  return `${instance.base_priority} configured, ${difference > 0 ? "+" : "−"}${Math.abs(difference)} by tracking`;
}

function instanceRow(instance, now) {
  const counters = instance.counters;
  const other = instance.other_master;
  const problem = other ? "" : instance.problems.length ? instance.problems[0].text : "";
  return element("tr", { "data-key": `instance ${instance.name} ${instance.state}` },
    element("th", { scope: "row" }, instance.name,
      element("span", { class: "more" }, `${instance.family === "inet6" ? "IPv6" : "IPv4"}, VRID ${instance.virtual_router_id}`)),
    element("td", {}, badge(instance.state),
      other ? element("span", { class: "effect bad" }, `two masters: ${other.address}, too (${other.text})`) : null,
      instance.fault || problem ? element("span", { class: "more" }, instance.fault || problem) : null,
      instance.fault && instance.fault === instance.reason ? null :
        element("span", { class: "more", "data-cause": instance.cause || "" }, changeReason(instance))),
    cell(age(now, instance.since_unix_us), "", "number"),
    cell(String(instance.priority), prioritySum(instance), "number"),
    cell(instance.master || "–", instance.master && instance.state !== "MASTER" ? `priority ${instance.master_priority}` : ""),
    cell(instance.interface, ""),
    cell(instance.addresses.slice(0, 4).join(", ") || "–",
      instance.addresses.length > 4 ? `and ${instance.addresses.length - 4} more` : ""),
    cell(`${short(counters.advert_sent)} sent`, `${short(counters.advert_rcvd)} received`, "number"),
    cell(lateness(counters), "", "number"),
    actions.allowed ? element("td", { class: "actions" },
      ...handOverButtons(instance.name, instance.state === "MASTER", instance.failed_over)) : null);
}

function groupItem(group, instances) {
  const handedOver = instances.some((one) => one.group === group.name && one.failed_over);
  return element("p", { class: "group" }, `Sync group ${group.name} `, badge(group.state), " ",
    ...(actions.allowed ? handOverButtons(group.name, group.state === "MASTER", handedOver) : []));
}

const kKinds = { interface: "interface", script: "script", file: "file", process: "process", bfd: "BFD session" };

// Each tracked object once, with the instances that track it.
function trackedObjects(vrrp) {
  const objects = new Map();
  const add = (kind, name, state) => {
    const key = `${kind} ${name}`;
    if (!objects.has(key)) objects.set(key, { kind, name, state, uses: [] });
    return objects.get(key);
  };
  for (const script of vrrp.scripts) add("script", script.name, script.state);
  for (const session of vrrp.bfd) add("bfd", session.name, session.state);
  for (const instance of vrrp.instances) {
    for (const one of instance.tracks || []) add(one.kind, one.name, one.state).uses.push({ instance: instance.name, ...one });
  }
  return [...objects.values()];
}

function trackedResult(vrrp, object) {
  const find = (list) => (list || []).find((one) => one.name === object.name);
  const script = object.kind === "script" && find(vrrp.scripts);
  if (script) return scriptResult(script);
  const file = object.kind === "file" && find(vrrp.files);
  if (file) return [`holds ${file.value}`, ""];
  const process = object.kind === "process" && find(vrrp.processes);
  return process ? [`${process.count} running`, ""] : ["", ""];
}

function trackedRows(vrrp) {
  return trackedObjects(vrrp).map((object) => {
    const effects = element("td", {});
    for (const use of object.uses.slice(0, 8)) {
      effects.append(element("span", { class: use.faults ? "effect bad" : use.adds ? "effect warn" : "effect" }, trackEffect(use)));
    }
    if (object.uses.length > 8) effects.append(element("span", { class: "more" }, `and ${object.uses.length - 8} more`));
    if (!object.uses.length) effects.append("not tracked");
    return element("tr", { "data-key": `${object.kind} ${object.name} ${object.state}` },
      element("th", { scope: "row" }, object.name), cell(kKinds[object.kind] || object.kind),
      element("td", {}, badge(object.state)), effects, cell(...trackedResult(vrrp, object)));
  });
}

function checkText(check, now) {
  if (!check.has_run) return `${check.type} ${check.target}: has not run yet`;
  return `${check.type} ${check.target}: ${check.last_result || (check.up ? "passed" : "failed")}, ` +
    `${duration(check.last_duration_us)}, ${age(now, check.last_run_unix_us)} ago` +
    (check.failures_in_row > 1 ? `, ${check.failures_in_row} failures in a row` : "");
}

function trafficCells(traffic) {
  if (!traffic) return [cell("–", "", "number"), cell("–", "", "number")];
  return [
    cell(short(traffic.active + traffic.inactive), `${short(traffic.connections_per_s)}/s`, "number"),
    cell(`${short(traffic.in_bytes_per_s)}B/s in`, `${short(traffic.out_bytes_per_s)}B/s out`, "number")];
}

function weightNote(server) {
  if (!server.in_table) return "not in the table";
  return server.weight_in_table === server.weight ? "" : `${server.weight} configured`;
}

function serverRow(service, server, now) {
  const state = serverState(server);
  const checks = element("td", {});
  for (const check of server.checks) checks.append(element("span", { class: "more" }, checkText(check, now)));
  if (!server.checks.length) checks.append("no check");
  return element("tr", { "data-key": `server ${service.name} ${server.name} ${state}` },
    element("th", { scope: "row" }, server.address, element("span", { class: "more" }, server.forwarding)),
    element("td", {}, badge(state), server.note ? element("span", { class: "more" }, server.note) : null),
    cell(age(now, server.since_unix_us), "", "number"),
    cell(String(server.in_table ? server.weight_in_table : server.weight), weightNote(server), "number"),
    ...trafficCells(server.traffic), checks, actions.allowed ? actionButtons(service, server) : null);
}

function serverTable(service, now) {
  const titles = [["Server"], ["State"], ["Since", "number"], ["Weight", "number"], ["Connections", "number"],
    ["Traffic", "number"], ["Last check"]];
  if (actions.allowed) titles.push(["Change"]);
  const head = element("tr", {});
  for (const [title, className] of titles) head.append(element("th", { scope: "col", class: className }, title));
  const body = element("tbody", {});
  for (const server of service.servers) body.append(serverRow(service, server, now));
  return element("div", { class: "scroll", role: "region", "aria-label": `Servers of ${service.name}`, tabindex: "0" },
    element("table", {}, element("thead", {}, head), body));
}

// A service's line; its servers are made when it is opened, so that thousands of services stay quick.
function serviceItem(service, now, open) {
  const up = service.servers.filter((server) => server.alive).length;
  const state = serviceState(service);
  const item = element("details", { class: "service", "data-key": `service ${service.name} ${state}`, "data-name": service.name });
  item.append(element("summary", {}, element("h3", {}, service.name), badge(state),
    element("span", { class: "facts" }, `${up} of ${service.servers.length} servers up, ${service.scheduler}` +
      (service.sorry_server ? `, sorry server ${service.sorry_server}` : ""))));
  const fill = () => {
    if (item.open && item.children.length === 1) item.append(serverTable(service, now));
  };
  item.addEventListener("toggle", fill);
  if (open) {
    item.open = true;
    fill();
  }
  return item;
}

function announcedRow(announced, now) {
  const state = announced.state.toUpperCase();
  return element("tr", { "data-key": `announced ${announced.address} ${state}` },
    element("th", { scope: "row" }, announced.address),
    element("td", {}, badge(state), announced.reason ? element("span", { class: "more" }, announced.reason) : null),
    cell(age(now, announced.since_unix_us), "", "number"),
    cell({ ANNOUNCED: announced.interface, DRAINING: announced.drain_interface }[state] || "–"));
}

function sourceRow(source, now) {
  const state = sourceState(source);
  const held = source.held ? `an answer of ${counted(source.held_servers, "server")} is held: ${source.held}` : "";
  const why = source.problem || held;
  return element("tr", { "data-key": `source ${source.source} ${state}` },
    element("th", { scope: "row" }, source.source),
    element("td", {}, badge(state), why ? element("span", { class: "more" }, why) : null),
    cell(String(source.servers), "", "number"),
    cell(source.last_good_unix_us ? `${age(now, source.last_good_unix_us)} ago` : "–", "", "number"),
    cell(source.services.slice(0, 4).join(", "), source.services.length > 4 ? `and ${source.services.length - 4} more` : ""));
}

// A line of what a reload changed, as the log has it: the object, then "old -> new", with "worse: " in front of what makes
// the director worse.
function changeItem(line) {
  const at = line.search(/(?<=^|[:;] )worse: /);
  if (at < 0) return element("li", {}, line);
  return element("li", {}, line.slice(0, at), element("span", { class: "effect bad" }, "worse"), line.slice(at + kWorse.length));
}

function eventItem(event) {
  const when = event.at.slice(0, 19).replace("T", " ");
  const what = { instance: "Instance", group: "Sync group", server: "Server", service: "Virtual server" }[event.kind] || event.kind;
  return element("li", { "data-id": String(event.id) }, element("time", { datetime: event.at }, `${when} UTC`),
    badge(changeWord(event.transition)), element("span", {}, `${what} ${event.name}` + (event.parent ? ` of ${event.parent}` : "")),
    event.reason || event.detail ? element("span", { class: "detail" }, event.reason || event.detail) : null);
}
