/**
 * What was decided on a page that has gone on to the next item: kept on this computer until the server has answered. Sending twice does
 * no harm, the server knows what it has. An entry is {url, body, back}: `back` is the page it was decided on. Each has a place of its own,
 * so that windows cannot overwrite each other's. The event "outbox:sent" says that nothing of this window waits any more.
 */
import { make } from "./behaviour.js";
import { removeDraft } from "./drafts.js";
import { isSignedOut, post } from "./http.js";
import { toast } from "./live.js";
import { text, toneIcon } from "./texts.js";
import { here } from "./windows.js";

const RETRY_MS = [2000, 5000, 15000, 30000];
const SAID = "apprentice:said";
const prefix = () => `apprentice:outbox:${document.body.dataset.user ?? ""}:`;
let sending = null;
let failures = 0;
let timer = 0;
let box = null;
let held = ""; // the entry whose answer the person waits for before the page of it
let all = false; // send also what other windows put in; else each sends its own, and is told itself what became of it
let count = 0;
const handedIn = new Set(); // drafts of this page that are no longer begun

/** In the order in which they were decided. */
function read() {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix())).sort();
  return keys.map((key) => ({ key, ...JSON.parse(localStorage.getItem(key) ?? "null") })).filter((entry) => entry.url);
}

export function waiting() {
  return read().length;
}

export function forget() {
  for (const { key } of read()) localStorage.removeItem(key);
}

/** Throws when this browser cannot keep it; the form is then sent as forms are. */
export function put(entry) {
  count += 1;
  const key = `${prefix()}${Date.now()}-${String(count).padStart(6, "0")}-${here}`;
  localStorage.setItem(key, JSON.stringify({ ...entry, window: here }));
  flush();
  return key;
}

/** Send what waits, in order; `others`: what windows left behind that are gone, too. Resolves when nothing waits any more or the server
 * cannot be reached. */
export function flush(others = false) {
  clearTimeout(timer);
  all ||= others;
  sending ??= run().finally(() => { sending = null; });
  return sending;
}

async function run() {
  const next = () => read().find((entry) => all || entry.window === here);
  for (let entry = next(); entry; entry = next()) {
    const response = await send(entry).catch(() => null);
    if (!response || response.status >= 500 || response.status === 429) return later();
    if (isSignedOut(response)) return later("outbox-signed-out", signIn());
    localStorage.removeItem(entry.key);
    await answered(entry, response);
  }
  failures = 0;
  all = false;
  tell("");
  document.dispatchEvent(new CustomEvent("outbox:sent"));
}

function send({ url, body }) {
  return post(url, { body, headers: { "Content-Type": "application/x-www-form-urlencoded" }, keepalive: body.length < 60_000 });
}

async function answered(entry, response) {
  const answer = await response.json().catch(() => ({}));
  if (answer.done) removeDraft(answer.done, entry.window);
  if (answer.done && !answer.url) handedIn.add(answer.done); // else there is more of it to see, such as another window's words
  if (response.ok) {
    if (entry.key !== held) redraw(answer, document);
    said(document.querySelector("[data-outbox-notice]"), answer);
  } else if (entry.key !== held) refused(entry, answer.detail ?? response.status);
  if (entry.key === held) held = "";
  document.dispatchEvent(new CustomEvent("outbox:answered", { detail: { key: entry.key, ok: response.ok, answer } }));
}

/** What the server drew anew, such as how far one is by now: a page that was loaded before shows how far one was then, and
 * lists what was handed in since among what is begun. */
export function redraw({ part }, within) {
  const place = part && within.querySelector(`#${CSS.escape(part.id)}`);
  if (place) place.innerHTML = part.html;
  for (const row of within.querySelectorAll("[data-begun]")) if (handedIn.has(row.dataset.begun)) strike(row);
}

function strike(row) {
  const list = row.parentElement;
  row.remove();
  if (!list.children.length) (list.closest("section") ?? list.closest(".table-wrap"))?.remove();
}

function said(place, answer) {
  if (place && answer.said) place.replaceChildren(toneIcon("ok") ?? "", make("p", {}, answer.said, ...(answer.url ? [" ", make("a", { href: answer.url }, answer.link)] : [])));
}

/** The page has gone on: it tells why, and leads back to where the words of the refused decision come again. */
function refused(entry, reason) {
  document.querySelector("[data-outbox-notice]")?.parentElement.remove();
  sessionStorage.setItem(refusedKey(entry.back), entry.body);
  const link = make("a", { href: entry.back, class: "btn btn-small" }, text("outbox-back"));
  toast(text("outbox-refused", { reason }), { tone: "bad", more: link });
}

function refusedKey(url) {
  return `apprentice:refused:${new URL(url).pathname}`;
}

/** Back on the page of a refused decision, the reason that was typed is there again. Texts with a draft come back by autosave. */
export function refill(form) {
  const key = refusedKey(location.href);
  const typed = form.hasAttribute("data-autosave") ? null : sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  for (const [name, value] of new URLSearchParams(typed ?? "")) {
    const field = form.elements[name];
    if (field?.matches?.("textarea") && !field.value) field.value = value;
  }
}

/** Stands at the top of the page that came next, and tells there what became of the one before. */
export function notice(answer = null) {
  const place = make("div", { class: "callout", "data-tone": "ok", role: "status", "data-outbox-notice": true }, make("p", { "data-sending": true }, text("sending")));
  if (answer) said(place, answer);
  return make("div", { class: "banners" }, place);
}

/** The person stays before the page until the answer is there, and is told if that takes long and why. */
export function hold(entry) {
  return (held = put(entry));
}

/** The person has gone on without the answer. */
export function letGo() {
  held = "";
}

/** What became of it is told on the page that is loaded next. */
export function remember(sentence) {
  if (sentence) sessionStorage.setItem(SAID, sentence);
}

/** A way to the sign-in that leads back to where the work goes on, not to what is decided already. */
function signIn() {
  const next = document.querySelector("[data-ahead-end]")?.dataset.aheadEnd ?? location.pathname;
  return make("a", { class: "btn btn-small", href: `/accounts/login/?${new URLSearchParams({ next })}` }, text("sign-in"));
}

function later(name, more = null) {
  document.dispatchEvent(new CustomEvent("outbox:late"));
  const told = document.querySelector("[data-outbox-notice] [data-sending]");
  if (told) told.textContent = text("outbox-kept");
  tell(text(name ?? (held ? "outbox-held" : "outbox-offline"), { count: waiting() }), more);
  timer = setTimeout(flush, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  failures += 1;
}

function tell(sentence, more = null) {
  if (!sentence) {
    box?.remove();
    box = null;
    return;
  }
  box ??= make("div", { class: "callout", "data-tone": "warn", role: "status" });
  if (box.querySelector("p")?.textContent !== sentence) box.replaceChildren(toneIcon("warn") ?? "", make("p", {}, sentence), ...(more ? [more] : []));
  document.getElementById("toasts")?.append(box);
}

export function startOutbox() {
  const before = sessionStorage.getItem(SAID);
  sessionStorage.removeItem(SAID);
  if (before) document.getElementById("content")?.prepend(notice({ said: before }));
  const again = () => { if (waiting()) flush(true); };
  again();
  window.addEventListener("online", again);
  // back from the tab in which one signed in again
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") again(); });
}
