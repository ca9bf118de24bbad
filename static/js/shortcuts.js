/**
 * Keyboard: any element with data-key="a" (or "1", "ArrowRight", "ctrl+enter", "shift+enter") is clicked, and a field is focused, by that key.
 * Single keys work outside fields only and can be switched off; combinations with Ctrl or Cmd always work, so data-chord="ctrl+shift+s"
 * gives an element a second key for use within a text. Escape leaves a text.
 */
const SWITCH = "apprentice:single-keys";

export function singleKeysOn() {
  return document.body.dataset.singleKeys !== "off" && localStorage.getItem(SWITCH) !== "off";
}

function isTyping(target) {
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
}

function nameOf(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (event.key.length > 1 || (parts.length && /[a-z]/i.test(event.key)))) parts.push("shift");
  parts.push(event.key.toLowerCase());
  return parts.join("+");
}

function visible(element) {
  return element.checkVisibility?.() ?? element.offsetParent !== null;
}

function elementFor(name) {
  const scope = document.querySelector("dialog[open]") ?? document;
  return [...scope.querySelectorAll("[data-key]")].find(
    (element) => [element.dataset.key, element.dataset.chord].some((key) => key?.toLowerCase() === name) && !element.disabled && !element.closest("[inert]") && visible(element),
  );
}

function press(element) {
  if (element.matches("textarea, select, input:not([type=radio], [type=checkbox])")) element.focus();
  else element.click();
  if (element.matches("[type=radio], [type=checkbox]")) element.focus({ preventScroll: true }); // the ring follows the choice
  if (element.matches("summary")) element.parentElement.querySelector("input, textarea, select")?.focus(); // of what it opened
}

function submitFrom(field) {
  const form = field.form;
  if (!form) return false;
  const primary = form.querySelector("[data-primary]") ?? form.querySelector("button:not([type=button])");
  form.requestSubmit(primary ?? undefined);
  return true;
}

function meaningOf(element) {
  const words = (element.labels?.[0] ?? element).cloneNode(true);
  words.querySelectorAll("kbd, .icon").forEach((child) => child.remove());
  return element.dataset.keyLabel || element.getAttribute("aria-label") || words.textContent.trim();
}

function keycaps(name) {
  return name.split("+").flatMap((part) => {
    const key = document.createElement("kbd");
    key.textContent = part.length === 1 ? part.toUpperCase() : part[0].toUpperCase() + part.slice(1);
    return [key, " "];
  });
}

function fillSheet(dialog) {
  const list = dialog.querySelector("[data-shortcuts-list]");
  list.replaceChildren();
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!visible(element) || dialog.contains(element)) continue;
    const term = document.createElement("dt");
    term.append(...keycaps(element.dataset.key));
    if (element.dataset.chord) term.append("· ", ...keycaps(element.dataset.chord));
    const meaning = document.createElement("dd");
    meaning.textContent = meaningOf(element);
    list.append(term, meaning);
  }
  for (const more of document.querySelectorAll("template[data-shortcuts]")) list.append(more.content.cloneNode(true));
}

function toggleSheet() {
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  if (dialog.open) {
    dialog.close();
    return;
  }
  fillSheet(dialog);
  dialog.querySelector("[data-single-keys-switch]").checked = singleKeysOn();
  dialog.showModal();
}

function onKey(event) {
  if (event.isComposing || event.keyCode === 229 || event.repeat || event.defaultPrevented) return;
  const name = nameOf(event);
  const combined = event.ctrlKey || event.metaKey;
  const typing = isTyping(event.target);
  if (name === "ctrl+enter" && typing && submitFrom(event.target)) {
    event.preventDefault();
    return;
  }
  if (name === "escape" && event.target.matches("main textarea, main input")) {
    event.target.blur(); // the next Tab goes on from here
    return;
  }
  if (event.altKey || (!combined && (typing || !singleKeysOn()))) return;
  if (name === "?") {
    toggleSheet();
    return;
  }
  // a button or link in focus keeps its own Enter and Space
  if (!combined && ["enter", " "].includes(event.key.toLowerCase()) && event.target.closest("a, button, summary")) return;
  const element = elementFor(name);
  if (!element) return;
  event.preventDefault();
  press(element);
}

export function startShortcuts() {
  document.addEventListener("keydown", onKey);
  for (const button of document.querySelectorAll("[data-open-shortcuts]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-shortcuts]")) toggleSheet();
    else if (event.target.id === "shortcuts") event.target.close();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-single-keys-switch]")) return;
    if (event.target.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "off");
  });
}
