// How values are written: ages, numbers, the colour of a state. No document, so that it can be tried by itself.
"use strict";

function age(nowUs, thenUs) {
  if (!thenUs || nowUs < thenUs) return "–";
  const s = Math.floor((nowUs - thenUs) / 1e6);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

function duration(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 10000 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

// "1 server", "2 servers", "12k servers".
function counted(number, thing) {
  return `${short(number)} ${thing}${number === 1 ? "" : "s"}`;
}

function short(number) {
  const units = ["", "k", "M", "G", "T"];
  let at = 0;
  while (number >= 1000 && at < units.length - 1) {
    number /= 1000;
    ++at;
  }
  return `${at === 0 ? Math.round(number) : number.toFixed(number < 10 ? 1 : 0)}${units[at]}`;
}

// good, warn or bad, or "" for what is neither.
function tone(state) {
  switch (state) {
    case "MASTER": case "UP": case "Up": case "ANNOUNCED": return "good";
    case "FAULT": case "DOWN": case "Down": case "QUORUM LOST": return "bad";
    case "DRAINED": case "DISABLED": case "KEPT": case "SORRY SERVER": case "INIT": case "UNKNOWN":
    case "DRAINING": case "WITHDRAWN": case "HELD": case "FAILING": return "warn";
    default: return "";
  }
}

function serverState(server) {
  if (server.leaving) return server.note.startsWith("disabled") ? "DISABLED" : "DRAINED";
  if (/^drained/.test(server.note)) return "DRAINED";
  if (/^disabled/.test(server.note)) return "DISABLED";
  if (!server.alive) return server.kept_by_min_alive ? "KEPT" : "DOWN";
  return "UP";
}

function serviceState(service) {
  if (!service.quorum_up) return "QUORUM LOST";
  return service.sorry_in_use ? "SORRY SERVER" : "UP";
}

// Of a file or name that lists real servers.
function sourceState(source) {
  if (source.problem) return "FAILING";
  if (source.held) return "HELD";
  return source.last_good_unix_us ? "UP" : "UNKNOWN";
}

function lateness(counters) {
  const late = counters.deadlines_late + counters.adverts_skipped;
  return late === 0 ? "never" : counted(late, "time");
}

// keepalived's word for scripts, where that is no state, in words for people.
function changeWord(transition) {
  switch (transition) {
    case "MASTER_PRIORITY": return "MASTER with a new priority";
    case "BACKUP_PRIORITY": return "BACKUP with a new priority";
    case "MASTER_RX_LOWER_PRI": return "MASTER, heard another MASTER with a lower priority";
    default: return transition;
  }
}

// Why an instance came to its state. A daemon of an older version, or one that took over its state, may not know.
function changeReason(instance) {
  return instance.reason ? `because ${instance.reason}` : "the reason is not known";
}

// The last result of a tracked script, and what is behind it.
function scriptResult(script) {
  const ran = `${counted(script.runs, "run")}, ${short(script.failures)} failed`;
  if (!script.last_failure) return [script.last_status === 0 ? "succeeded" : `exit status ${script.last_status}`, ran];
  if (script.last_status !== 0) return [script.last_failure, ran];
  return ["succeeded", `${ran}; last failure: ${script.last_failure}`];
}

// What a tracked object does to an instance that tracks it.
function trackEffect(use) {
  const signed = (number) => `${number < 0 ? "−" : "+"}${Math.abs(number)}`;
  if (use.faults) return `${use.instance}: FAULT`;
  if (use.adds) return `${use.instance}: ${signed(use.adds)}`;
  if (use.weight) return `${use.instance}: weight ${signed(use.weight)}${use.reverse ? ", reversed" : ""}`;
  return `${use.instance}: FAULT when ${use.reverse ? "up" : "down"}`;
}

// Mean and highest value of a list that may have gaps (null); null: it has nothing else.
function summary(values) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return null;
  return { mean: known.reduce((sum, value) => sum + value, 0) / known.length, highest: Math.max(...known) };
}

if (typeof module !== "undefined") module.exports = { age, duration, short, tone, serverState, serviceState, sourceState, lateness, counted, changeWord, changeReason, scriptResult, trackEffect, summary };
