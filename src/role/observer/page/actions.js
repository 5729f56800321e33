// What an operator may do from the page: first the daemon says what it would change, then it is confirmed.
"use strict";

const kVerbs = [["drain", "Drain"], ["disable", "Disable"], ["enable", "Enable"]];
const actions = { allowed: false };

// A command is its path and its body; `asksReason` where the daemon takes one.
async function ask(command, dryRun) {
  const body = { ...command.body, dry_run: dryRun };
  const reason = document.getElementById("dialog-reason").value.trim();
  if (!dryRun && command.asksReason && reason) body.reason = reason;
  const answer = await fetch(`api/v1/${command.path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error([said.error, said.hint].filter(Boolean).join("; "));
  return said;
}

function showDialog(title, text, confirm, asksReason) {
  document.getElementById("dialog-title").textContent = title;
  document.getElementById("dialog-text").textContent = text;
  document.getElementById("dialog-reason-row").hidden = !asksReason;
  const button = document.getElementById("dialog-confirm");
  button.hidden = !confirm;
  button.onclick = confirm;
  const dialog = document.getElementById("dialog");
  if (!dialog.open) dialog.showModal();
}

async function confirmed(command) {
  showDialog(command.title, "Waiting for the outcome …");
  try {
    const done = await ask(command, false);
    showDialog(command.title, done.text.trim() || "Done.");
  } catch (problem) {
    showDialog(command.title, `It was not done: ${problem.message}`);
  }
}

async function propose(command) {
  document.getElementById("dialog-reason").value = "";
  try {
    const would = await ask(command, true);
    if (would.exit_code === 0 && !command.always) return showDialog(command.title, would.text.trim() || "Nothing would change.");
    showDialog(command.title, would.text.trim() || "Nothing would change now.", () => confirmed(command), command.asksReason);
  } catch (problem) {
    showDialog(command.title, `It cannot be done: ${problem.message}`);
  }
}

function actionButton(word, command) {
  const button = element("button", { type: "button", "aria-label": command.title }, word);
  button.addEventListener("click", () => propose(command));
  return button;
}

// `servers` as the command line has it: SERVICE/SERVER.
function actionButtons(service, server) {
  const cell = element("td", { class: "actions" });
  for (const [verb, word] of kVerbs) {
    cell.append(actionButton(word, {
      path: `servers/${verb}`, body: { servers: `${service.name}/${server.name}` }, title: `${word} ${server.address} of ${service.name}`,
    }));
  }
  return cell;
}

// Of an instance, or of a sync group: what can be handed over, and what an operator has handed over.
function handOverButtons(name, isMaster, isHandedOver) {
  const buttons = [];
  const command = (verb, word) => ({ path: `instances/${verb}`, body: { name }, title: `${word} ${name}` });
  if (isMaster) buttons.push(actionButton("Fail over", command("failover", "Fail over")));
  if (isHandedOver) buttons.push(actionButton("Preempt again", command("failback", "Let preempt again:")));
  return buttons;
}

function maintenanceButton(isOn) {
  if (isOn) return actionButton("End maintenance", { path: "maintenance/off", body: {}, title: "End maintenance", always: true });
  return actionButton("Start maintenance", { path: "maintenance/on", body: {}, title: "Start maintenance", always: true, asksReason: true });
}

// Whether the daemon lets this reader change something.
async function learnRights() {
  try {
    const answer = await fetch("api/v1", { cache: "no-store" });
    actions.allowed = answer.ok && (await answer.json()).may_operate === true;
  } catch {
    actions.allowed = false;
  }
}
