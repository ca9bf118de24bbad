/**
 * The next items are claimed and loaded before they are wanted: <form data-ahead="URL" data-ahead-end="URL" [data-ahead-release]
 * [data-ahead-needs] [data-ahead-stops] [data-ahead-asks] [data-ahead-focus]>, beside it <form data-ahead-also> for other ways on and
 * <form data-ahead-next>, which leads on where nothing could be loaded.
 *
 * 1. POST to the URL answers {"items": [{id, url}…]}; each page is fetched and its <main> kept. 2. A submit puts the form into the
 * outbox and shows the next page at once. 3. With no page there, or while a check that may refuse the text has not seen it, the person
 * waits for the answer: a refusal shows what is wrong, where no server answers the text waits in the outbox. 4. Leaving gives back what
 * was claimed and not seen.
 */
import { behave } from "./behaviour.js";
import { isGood, post, reached } from "./http.js";
import { announce, toast } from "./live.js";
import { flush, hold, letGo, notice, put, redraw, refill, remember, waiting } from "./outbox.js";
import { text } from "./texts.js";

const RETRY_MS = 5000;
const UNANSWERED_MS = 30_000;
const pages = [];
let current = null;
let filling = false;
let held = null; // the submit that the person waits for before the page of it: {form, submitter, key, end, answer}
let onward = false; // the page is left by a submit: the next one is of the same work, and what was claimed ahead is for it
const seen = new Set(); // what was shown here once is not shown again, however late it was listed
let shown = location.pathname + location.search;
const keyboard = matchMedia("(pointer: fine)"); // on a phone the keys would cover what is to be read

class Ahead {
  constructor(form) {
    this.form = form;
    this.shown = Date.now();
    refill(form);
    // what is typed goes into the text, never to single keys, however the page came
    if (!current && document.activeElement === document.body) this.begin();
    current = this;
    // a form for another way on, such as a skip with its reason: Enter within it means that, and not the text
    for (const one of [form, ...document.querySelectorAll("form[data-ahead-also]")]) one.addEventListener("submit", (event) => this.submit(event));
    fill();
  }

  begin() {
    const field = keyboard.matches ? document.getElementById(this.form.dataset.aheadFocus ?? "") : null;
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: "nearest" });
    return field;
  }

  submit(event) {
    if (event.target.hasAttribute("data-sure")) {
      onward = true;
      return;
    }
    if (held || document.querySelector("main[data-unseen]")) { // what is decided, or not yet on the screen, is not decided now
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!held) this.stay();
      return;
    }
    if (event.defaultPrevented) return;
    if (event.target !== this.form) this.form.dispatchEvent(new CustomEvent("autosave:leave")); // what was begun is kept for who takes it up again
    if (event.submitter?.hasAttribute("data-stays") || this.lacks(event)) {
      careful(event);
      return;
    }
    const goesOn = pages.length > 0 && !(event.target === this.form && this.unlooked());
    try {
      if (goesOn) put(this.entry(event));
      else this.wait(event);
    } catch {
      careful(event); // storage is full
      return;
    }
    event.preventDefault();
    if (goesOn) next();
  }

  entry({ target: form, submitter }) {
    const body = new URLSearchParams(new FormData(form, submitter));
    body.delete("csrfmiddlewaretoken"); // the header carries it, fresh even when sent later
    body.set("seconds", Math.round((Date.now() - this.shown) / 1000));
    // a button without the attribute would name the page itself
    return { url: submitter?.getAttribute("formaction") ?? form.action, body: body.toString(), back: location.href };
  }

  /** Nothing can be typed into what is decided already. */
  wait(event) {
    const { target: form, submitter } = event;
    held = { form, submitter, key: hold(this.entry(event)), end: this.form.dataset.aheadEnd };
    submitter?.setAttribute("data-busy", "");
    document.getElementById("content").inert = true;
    fill();
  }

  stay() {
    this.form.dispatchEvent(new CustomEvent("autosave:unsent"));
  }

  /** What the server would send back at once; then the person stays here and is told. */
  lacks({ target: form, submitter }) {
    const names = (submitter?.dataset.needs ?? form.dataset.aheadNeeds ?? "").split(" ").filter(Boolean);
    return names.some((name) => !form.elements[name]?.value.trim()) || form.querySelector("[data-undecided]") || this.found(form, "aheadStops")
      || (this.found(form, "aheadAsks") && !form.elements.despite?.value.trim());
  }

  /** Whether a check that may refuse the text, or want a reason, has not seen it as it stands. */
  unlooked() {
    return Boolean(this.form.dataset.aheadStops || this.form.dataset.aheadAsks) && this.form.hasAttribute("data-unlooked");
  }

  /** Whether a finding is shown of one of the checks that the form's attribute names. */
  found(form, attribute) {
    const checks = (form.dataset[attribute] ?? "").split(" ").filter(Boolean);
    return checks.some((check) => form.querySelector(`[data-findings-for] [data-check="${check}"]`));
  }
}

function next(answer = null) {
  show(pages.shift(), answer);
  count();
}

/** The page that was kept takes the place of this one; `answer`: what is known already of the submit that leads to it. */
function show(page, answer) {
  seen.add(page.id);
  const main = document.getElementById("content");
  history.pushState(null, "", page.url);
  shown = location.pathname + location.search;
  document.title = page.title;
  page.main.setAttribute("data-unseen", "");
  page.main.prepend(notice(answer));
  redraw(answer ?? {}, page.main);
  main.replaceWith(page.main);
  window.htmx?.process(page.main);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: page.main } }));
  window.scrollTo(0, 0);
  if (!current?.begin()) page.main.focus({ preventScroll: true });
  announce(page.main.querySelector("h1")?.textContent.trim());
  requestAnimationFrame(() => requestAnimationFrame(() => page.main.removeAttribute("data-unseen")));
}

/** A form that meets no server would leave the person with the browser's own error page. So the server is asked first. */
async function careful(event) {
  const { target: form, submitter } = event;
  if (form.hasAttribute("data-sure")) return;
  event.preventDefault();
  if (form.hasAttribute("data-asking")) return;
  form.setAttribute("data-asking", "");
  const answers = await reached();
  form.removeAttribute("data-asking");
  if (!form.isConnected) return;
  if (answers) plainly(form, submitter);
  else {
    toast(text("unreached"), { tone: "warn" });
    form.dispatchEvent(new CustomEvent("autosave:unsent"));
  }
}

/** Sent as forms are: the answer is a page. What were typed into this one meanwhile would go nowhere. */
function plainly(form, submitter) {
  form.setAttribute("data-sure", "");
  form.requestSubmit(submitter);
  form.removeAttribute("data-sure");
  if (form.noValidate || form.checkValidity()) document.getElementById("content").inert = true;
}

async function fill() {
  if (filling || !current?.form.isConnected) return;
  filling = true;
  const asked = current;
  await flush(); // what is decided already must not be offered again
  const items = await listed(asked.form).catch(() => null);
  let failed = !items;
  for (const { id, url } of items ?? []) {
    if (pages.length >= items.length) break; // empty pages are all alike
    if (seen.has(id) || pages.some((page) => page.id === id)) continue;
    const page = await load(id, url, pages.length + waiting() + (held ? 0 : 1)).catch(() => { failed = true; });
    if (page && current.form.isConnected && !seen.has(id)) pages.push(page);
    count();
    if (held?.answer) proceed();
  }
  filling = false;
  if (held?.answer && !proceed()) {
    if (failed) setTimeout(fill, RETRY_MS);
    else leave();
  }
  if (current !== asked) fill();
}

/** From the page that waited, once the server has taken what was decided on it. Says whether there was a page to go to. */
function proceed() {
  if (!pages.length) return false;
  const { answer } = held;
  held = null;
  next(answer);
  return true;
}

/** Nothing is left that could be loaded: to where one sees that, or to other work. */
function leave() {
  remember(held.answer.said);
  onward = true;
  const form = document.querySelector("form[data-ahead-next]");
  if (form) form.submit();
  else location.assign(held.end);
}

/** What became of the submit that the person waits for. */
function answered({ detail: { key, ok, answer } }) {
  if (held?.key !== key) return;
  if (!ok) {
    const { form, submitter } = held;
    held = null;
    document.getElementById("content").inert = false;
    plainly(form, submitter); // refused again, with the page that shows what is wrong
    return;
  }
  held.answer = answer;
  if (proceed()) fill();
  else if (answer.url) { // there is more to see of it first
    onward = true;
    location.assign(answer.url);
  } else fill();
}

/** No server answers, and there is more to do: nobody has to wait for it. */
function unanswered() {
  if (!held || held.answer || !pages.length) return;
  letGo();
  held = null;
  next();
  fill();
}

function sent() {
  if (held) held.answer ??= {}; // another window sent it
  fill();
}

/** How many are ready, for whoever waits for it. */
function count() {
  document.documentElement.dataset.ahead = pages.length;
}

async function listed(form) {
  const response = await post(form.dataset.ahead);
  return isGood(response) ? (await response.json()).items : null;
}

/** `before`: how many are decided before that page is seen; what it says of the rest leaves them out. */
async function load(id, url, before) {
  const response = await fetch(url, { headers: { Accept: "text/html", "X-Before": before }, signal: AbortSignal.timeout(UNANSWERED_MS) });
  if (!response.ok) throw new Error(response.status);
  if (response.redirected) return null;
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  return { id, url, title: parsed.title, main: document.adoptNode(parsed.getElementById("content")) };
}

function release() {
  const url = current?.form.dataset.aheadRelease;
  if (!url || !pages.length || onward) return;
  const body = new URLSearchParams(pages.splice(0).map((page) => ["assignment", page.id]));
  post(url, { body, keepalive: true }).catch(() => {});
}

behave("form[data-ahead]", (form) => new Ahead(form));
behave("form[data-autosave]:not([data-ahead])", (form) => form.addEventListener("submit", (event) => { if (!event.defaultPrevented) careful(event); }));
document.addEventListener("outbox:sent", sent);
document.addEventListener("outbox:answered", answered);
document.addEventListener("outbox:late", unanswered);
window.addEventListener("online", fill);
// taking back comes after what is still on its way
document.addEventListener("submit", (event) => {
  if (event.target.id !== "undo" || !waiting()) return;
  event.preventDefault();
  flush().then(() => { if (waiting()) toast(text("unreached"), { tone: "warn" }); else event.target.submit(); });
}, true);
window.addEventListener("pagehide", release);
window.addEventListener("pageshow", (event) => {
  onward = false;
  document.getElementById("content").inert = Boolean(held);
  if (event.persisted && held) location.reload(); // it is decided
  else if (event.persisted) fill();
});
// back to a page that this one replaced; a link within the page moves no further than that
window.addEventListener("popstate", () => { if (location.pathname + location.search !== shown) location.reload(); });
