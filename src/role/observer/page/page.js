// Keeps the page live: the stream of events says when to read the state again; without events it is read now and then.
"use strict";

const kProblemsShown = 10, kEventsShown = 200, kServicesOpened = 20, kServicesShown = 300, kRowsShown = 1000;
const kReadAgainMs = 5000;      // without an event
const kSoonestMs = 250;         // after an event: several at once are read once
const kStaleMs = 15000;         // no answer for so long: what is shown may be wrong
const kBusyShare = 20;          // a slow answer makes readings rarer: at most 1/20 of the time is spent on them

const page = { document: null, readAt: 0, took: 0, timer: 0, reading: false, again: false, opened: new Set(), seen: new Map(), lastEvent: 0, interrupted: false };
const at = (id) => document.getElementById(id);

function replaceRows(id, rows) {
  const body = at(id);
  body.replaceChildren(...rows);
}

// What changed since the last reading is shown for a moment.
function markChanges() {
  const seen = new Map();
  for (const row of document.querySelectorAll("[data-key]")) {
    const key = row.dataset.key;
    const name = key.slice(0, key.lastIndexOf(" "));
    seen.set(name, key);
    if (page.seen.has(name) && page.seen.get(name) !== key) row.classList.add("changed");
  }
  page.seen = seen;
}

function summaryOf(state) {
  const parts = [];
  if (state.vrrp) {
    const masters = state.vrrp.instances.filter((one) => one.state === "MASTER").length;
    const faults = state.vrrp.instances.filter((one) => one.state === "FAULT").length;
    parts.push(`${masters} of ${state.vrrp.instances.length} instances MASTER` + (faults ? `, ${faults} in FAULT` : ""));
  }
  if (state.lvs) {
    const services = state.lvs.services;
    const down = services.filter((one) => !one.quorum_up).length;
    parts.push(counted(services.length, "virtual server") + (down ? `, ${down} without quorum` : ""));
  }
  return parts.join(" · ");
}

function noticeOf(state) {
  const problems = (state.problems ?? []).map((problem) => problem.text);
  const notices = problems.slice(0, kProblemsShown);
  if (problems.length > kProblemsShown) notices.push(`and ${problems.length - kProblemsShown} more problems`);
  if (state.maintenance) notices.push(`Maintenance: this director stays back${state.maintenance.reason ? ` (${state.maintenance.reason})` : ""}`);
  return notices.join(" · ");
}

function matches(service, words, onlyDown) {
  const up = serviceState(service) === "UP" && service.servers.every((server) => serverState(server) === "UP");
  if (onlyDown && up) return false;
  if (!words) return true;
  return service.name.toLowerCase().includes(words) || serviceState(service).toLowerCase().includes(words) ||
    service.servers.some((server) => server.name.toLowerCase().includes(words) || serverState(server).toLowerCase() === words);
}

function showServices(state) {
  at("lvs-section").hidden = !state.lvs || !state.lvs.services.length;
  if (!state.lvs) return;
  const words = at("filter").value.trim().toLowerCase();
  const all = state.lvs.services;
  const found = all.filter((service) => matches(service, words, at("only-down").checked));
  const now = state.now_unix_us;
  const few = all.length <= kServicesOpened;
  replaceRows("services", found.slice(0, kServicesShown).map((service) => {
    const item = serviceItem(service, now, few ? !page.opened.has(service.name) : page.opened.has(service.name));
    item.firstChild.addEventListener("click", () => {
      if (!page.opened.delete(service.name)) page.opened.add(service.name);
    });
    return item;
  }));
  at("shown").textContent = found.length === all.length && found.length <= kServicesShown ? "" :
    `${Math.min(found.length, kServicesShown)} of ${all.length} shown`;
}

// What the last reload changed; what makes the director worse comes first.
function showReload(reload) {
  at("reload-section").hidden = !reload;
  if (!reload) return;
  at("reload-text").textContent = `${reload.at.slice(0, 19).replace("T", " ")} UTC: ` +
    (reload.changes.length ? counted(reload.changes.length + reload.left_out, "change") : "nothing changed");
  replaceRows("reload-changes", reload.changes.map(changeItem));
  if (reload.left_out) at("reload-changes").append(element("li", {}, `and ${counted(reload.left_out, "more change")}`));
}

// A section that is there when its table has rows.
function showList(id, list, row, now) {
  at(`${id}-section`).hidden = !list.length;
  replaceRows(id, list.slice(0, kRowsShown).map((one) => row(one, now)));
}

function show(state) {
  document.title = `${state.host} · mainstay`;
  at("host").textContent = state.host;
  at("summary").textContent = summaryOf(state);
  const notice = noticeOf(state);
  at("notice").hidden = !notice;
  if (at("notice").textContent !== notice) at("notice").textContent = notice;
  at("vrrp-section").hidden = !state.vrrp || !state.vrrp.instances.length;
  if (state.vrrp) {
    replaceRows("instances", state.vrrp.instances.map((instance) => instanceRow(instance, state.now_unix_us)));
    replaceRows("groups", state.vrrp.groups.map((group) => groupItem(group, state.vrrp.instances)));
    at("instances-change").hidden = !actions.allowed;
    if (actions.allowed) at("director-tools").replaceChildren(maintenanceButton(Boolean(state.maintenance)));
    at("director-tools").hidden = !actions.allowed;
    const tracked = trackedRows(state.vrrp);
    at("tracked-section").hidden = !tracked.length;
    replaceRows("tracked", tracked);
  }
  showServices(state);
  showList("announced", state.lvs?.announced ?? [], announcedRow, state.now_unix_us);
  showList("sources", state.lvs?.discovered ?? [], sourceRow, state.now_unix_us);
  showReload(state.last_reload);
  showPair(state);
  showRates(Boolean(state.lvs && state.lvs.services.length));
  at("about").textContent = `mainstay ${state.version}, configuration ${state.configuration.file}, ` +
    `generation ${state.generation}; state of ${state.now.slice(11, 19)} UTC`;
  markChanges();
}

// Where the keyboard is: the rows are made anew at each reading. Null where that does not matter.
function focusedPlace() {
  const focused = document.activeElement;
  if (!focused || !focused.closest("main")) return null;
  if (focused.matches("button[aria-label]")) return `main button[aria-label="${CSS.escape(focused.getAttribute("aria-label"))}"]`;
  const service = focused.closest("[data-name]");
  return service && `[data-name="${CSS.escape(service.dataset.name)}"] summary`;
}

async function read() {
  if (page.reading) {
    page.again = true;
    return;
  }
  page.reading = true;
  const began = performance.now();
  try {
    const answer = await fetch("api/v1/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    page.document = await answer.json();
    page.readAt = performance.now();
    const again = focusedPlace();
    show(page.document);
    const focus = again && document.querySelector(again);
    if (focus) focus.focus();
    live("");
  } catch (problem) {
    live(`no answer: ${problem.message}`);
  }
  page.took = performance.now() - began;
  page.reading = false;
  const soon = page.again;
  page.again = false;
  readIn(Math.max(soon ? kSoonestMs : kReadAgainMs, page.took * kBusyShare));
}

function readIn(ms) {
  clearTimeout(page.timer);
  page.timer = setTimeout(read, ms);
}

function live(answer) {
  const stale = !page.readAt || performance.now() - page.readAt > kStaleMs;
  const problem = answer || (page.interrupted ? "the stream of events was interrupted, trying again" : "");
  const text = problem ? `not live: ${problem}` : "live";
  at("live").classList.toggle("stale", Boolean(problem) && stale);
  if (at("live").textContent !== text) at("live").textContent = text;
}

function addEvents(events) {
  const list = at("events");
  for (const event of events) {
    page.lastEvent = event.id;
    list.prepend(eventItem(event));
  }
  while (list.children.length > kEventsShown) list.lastChild.remove();
  at("no-events").hidden = list.children.length > 0;
}

function follow() {
  const stream = new EventSource(page.lastEvent ? `api/v1/events?after=${page.lastEvent}` : "api/v1/events");
  stream.addEventListener("message", (message) => {
    addEvents([JSON.parse(message.data)]);
    if (!page.reading) readIn(Math.max(kSoonestMs, page.took));
    else page.again = true;
  });
  // A browser tries again by itself when a stream breaks off, and gives it up for good after an answer that is no stream.
  stream.addEventListener("error", () => {
    page.interrupted = true;
    live("");
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, kReadAgainMs);
  });
  stream.addEventListener("open", () => {
    page.interrupted = false;
    live("");
  });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const id of ["filter", "only-down"]) at(id).addEventListener("input", () => page.document && showServices(page.document));
  learnRights().then(read);
  fetch(`api/v1/events?last=${kEventsShown}`).then((answer) => answer.json()).then(addEvents).catch(() => {}).then(follow);
});
