// Graphs of the rates of the last hours, their summary as text, and the same as a table of half hours.
"use strict";

const kRatesEveryMs = 10000;    // as often as the daemon takes a sample
const kRatesShown = 2160;       // six hours of them
const kGapSeconds = 60;         // between two samples: the daemon did not run, the line is interrupted
const kRowSeconds = 1800;       // of the table
const rates = { shown: false, timer: 0, service: "", data: [[], [], [], []], plots: [], asked: 0 };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function clock(unixS) {
  return new Date(unixS * 1000).toISOString().slice(11, 16);
}

// The next value of an axis or of the legend.
function perSecond(unit) {
  return (_plot, value) => (Array.isArray(value) ? value.map((one) => `${short(one)}${unit}`) : value === null ? "–" : `${short(value)}${unit}/s`);
}

// Steps of the axis of values: whole numbers, since labels have no decimals below 1000.
const kValueSteps = [...Array(13).keys()].flatMap((power) => [1, 2, 5].map((first) => first * 10 ** power));

function plotOptions(width, unit, series) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return {
    width, height: 200, tzDate: (unixS) => uPlot.tzDate(new Date(unixS * 1000), "Etc/UTC"),
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    // Whole minutes, since their labels have no seconds.
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 15, 30, 60, 120].map((minutes) => minutes * 60), values: (_plot, at) => at.map(clock) }, { ...axis, size: 62, incrs: kValueSteps, values: perSecond(unit) }],
    series: [{ label: "UTC", value: (_plot, at) => (at === null ? "–" : clock(at)) },
      ...series.map(([label, stroke, dash]) => ({ label, stroke: colour(stroke), width: 2, dash, points: { show: false }, value: perSecond(unit) }))],
  };
}

function drawPlots() {
  for (const plot of rates.plots) plot.destroy();
  const [at, connections, inBytes, outBytes] = rates.data;
  const make = (id, unit, series, values) => {
    const room = document.getElementById(id);
    return new uPlot(plotOptions(Math.max(240, room.clientWidth), unit, series), [at, ...values], room);
  };
  rates.plots = [
    make("graph-connections", "", [["connections", "--link"]], [connections]),
    make("graph-bytes", "B", [["in", "--link"], ["out", "--warn", [6, 4]]], [inBytes, outBytes])];
}

function updatePlots() {
  if (rates.plots.length !== 2) return drawPlots();
  const [at, connections, inBytes, outBytes] = rates.data;
  rates.plots[0].setData([at, connections]);
  rates.plots[1].setData([at, inBytes, outBytes]);
}

function sentence(name, unit, values) {
  const all = summary(values);
  if (!all) return `${name}: not known.`;
  const now = values[values.length - 1];
  return `${name}: ${now === null ? "not known now" : `${short(now)}${unit}/s now`}, ${short(all.mean)}${unit}/s on average, ` +
    `${short(all.highest)}${unit}/s at most.`;
}

function showNumbers() {
  const [at, connections, inBytes, outBytes] = rates.data;
  const text = document.getElementById("rates-text");
  const said = at.length ? [`Since ${clock(at[0])} UTC.`, sentence("Connections", "", connections), sentence("In", "B", inBytes),
    sentence("Out", "B", outBytes)].join(" ") : "There are no samples yet: the first one is taken within seconds of the first traffic that is counted.";
  if (text.textContent !== said) text.textContent = said;
  const rows = new Map();
  at.forEach((when, i) => {
    const begin = Math.floor(when / kRowSeconds) * kRowSeconds;
    if (!rows.has(begin)) rows.set(begin, []);
    rows.get(begin).push(i);
  });
  const cells = (values, unit, places) => {
    const all = summary(places.map((place) => values[place]));
    return [cell(all ? `${short(all.mean)}${unit}/s` : "–", "", "number"), cell(all ? `${short(all.highest)}${unit}/s` : "–", "", "number")];
  };
  document.getElementById("rates-rows").replaceChildren(...[...rows].reverse().map(([begin, places]) => element("tr", {},
    element("th", { scope: "row" }, clock(begin)), ...cells(connections, "", places), ...cells(inBytes, "B", places),
    ...cells(outBytes, "B", places))));
}

function offerServices(names) {
  const choice = document.getElementById("rates-service");
  const there = [...choice.options].slice(1).map((option) => option.value);
  if (there.length === names.length && names.every((name) => there.includes(name))) return;
  choice.replaceChildren(choice.options[0], ...[...names].sort().map((name) => element("option", { value: name }, name)));
  choice.value = names.includes(rates.service) ? rates.service : "";
}

// Takes over new samples, with an empty place where the daemon did not run.
function addRates(answer) {
  const lists = [answer.at_unix_s, answer.connections_per_s, answer.in_bytes_per_s, answer.out_bytes_per_s];
  lists[0].forEach((when, i) => {
    const last = rates.data[0][rates.data[0].length - 1];
    if (last !== undefined && when - last > kGapSeconds) [last + 1, null, null, null].forEach((value, n) => rates.data[n].push(value));
    lists.forEach((list, n) => rates.data[n].push(list[i]));
  });
  rates.data = rates.data.map((list) => list.slice(-kRatesShown));
}

async function readRates() {
  clearTimeout(rates.timer);
  if (!rates.shown) return;
  const service = rates.service;
  const number = ++rates.asked;
  try {
    const after = rates.data[0][rates.data[0].length - 1] || 0;
    const answer = await fetch(`api/v1/history/rates?after=${after}&service=${encodeURIComponent(service)}`, { cache: "no-store" });
    if (answer.status === 404 && service) return chooseService("");
    if (!answer.ok) throw new Error(answer.statusText);
    const body = await answer.json();
    if (number !== rates.asked) return;  // another service was chosen meanwhile
    offerServices(body.services);
    addRates(body);
    showNumbers();
    updatePlots();
  } catch {
    // The status line says already that there is no answer.
  }
  if (number === rates.asked) rates.timer = setTimeout(readRates, kRatesEveryMs);
}

function chooseService(name) {
  rates.service = name;
  document.getElementById("rates-service").value = name;
  rates.data = [[], [], [], []];
  readRates();
}

function showRates(wanted) {
  document.getElementById("rates-section").hidden = !wanted;
  if (wanted === rates.shown) return;
  rates.shown = wanted;
  readRates();
}

document.addEventListener("DOMContentLoaded", () => {
  const choice = document.getElementById("rates-service");
  choice.addEventListener("change", () => chooseService(choice.value));
  const redraw = () => rates.plots.length && drawPlots();
  let soon = 0;
  window.addEventListener("resize", () => {
    clearTimeout(soon);
    soon = setTimeout(redraw, 200);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
});
