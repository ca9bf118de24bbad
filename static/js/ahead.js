/**
 * The next items are claimed and loaded before they are wanted: <form data-ahead="URL" [data-ahead-release] [data-ahead-needs] [data-ahead-stops] [data-ahead-asks] [data-ahead-focus]>,
 * beside it <form data-ahead-also> for other ways on.
 *
 * 1. POST to the URL answers {"items": [{id, url}…]}; each page is fetched and its <main> kept. 2. A submit puts the form into the
 * outbox and shows the next page at once. 3. Leaving gives back what was claimed and not seen.
 */
import { behave } from "./behaviour.js";
import { csrfHeaders, isGood } from "./http.js";
import { announce } from "./live.js";
import { flush, notice, put, refill, waiting } from "./outbox.js";

const pages = [];
let current = null;
let filling = false;
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
    if (document.querySelector("main[data-unseen]")) { // what is not yet on the screen is not decided
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (event.defaultPrevented || event.submitter?.hasAttribute("data-stays") || !pages.length || this.lacks(event)) return;
    const body = new URLSearchParams(new FormData(event.target, event.submitter));
    body.delete("csrfmiddlewaretoken"); // the header carries it, fresh even when sent later
    body.set("seconds", Math.round((Date.now() - this.shown) / 1000));
    try {
      // a button without the attribute would name the page itself
      put({ url: event.submitter?.getAttribute("formaction") ?? event.target.action, body: body.toString(), back: location.href });
    } catch {
      return; // storage is full: sent as forms are
    }
    event.preventDefault();
    show(pages.shift());
    count();
  }

  /** What the server would send back at once; then the person stays here and is told. */
  lacks({ target: form, submitter }) {
    const names = (submitter?.dataset.needs ?? form.dataset.aheadNeeds ?? "").split(" ").filter(Boolean);
    return names.some((name) => !form.elements[name]?.value.trim()) || this.found(form, "aheadStops")
      || (this.found(form, "aheadAsks") && !form.elements.despite?.value.trim());
  }

  /** Whether a finding is shown of one of the checks that the form's attribute names. */
  found(form, attribute) {
    const checks = (form.dataset[attribute] ?? "").split(" ").filter(Boolean);
    return checks.some((check) => form.querySelector(`[data-findings-for] [data-check="${check}"]`));
  }
}

function show(page) {
  const main = document.getElementById("content");
  history.pushState(null, "", page.url);
  shown = location.pathname + location.search;
  document.title = page.title;
  page.main.setAttribute("data-unseen", "");
  page.main.prepend(notice());
  main.replaceWith(page.main);
  window.htmx?.process(page.main);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: page.main } }));
  window.scrollTo(0, 0);
  if (!current?.begin()) page.main.focus({ preventScroll: true });
  announce(page.main.querySelector("h1")?.textContent.trim());
  requestAnimationFrame(() => requestAnimationFrame(() => page.main.removeAttribute("data-unseen")));
}

async function fill() {
  if (filling || !current?.form.isConnected) return;
  filling = true;
  const asked = current;
  await flush(); // what is decided already must not be offered again
  const items = await listed(asked.form).catch(() => []);
  for (const { id, url } of items) {
    if (pages.some((page) => page.id === id)) continue;
    const page = await load(id, url).catch(() => null);
    if (page && current.form.isConnected && !location.href.endsWith(url)) pages.push(page);
    count();
  }
  filling = false;
  if (current !== asked) fill();
}

/** How many are ready, for whoever waits for it. */
function count() {
  document.documentElement.dataset.ahead = pages.length;
}

async function listed(form) {
  const response = await fetch(form.dataset.ahead, { method: "POST", headers: { Accept: "application/json", ...csrfHeaders() } });
  return isGood(response) ? (await response.json()).items : [];
}

async function load(id, url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) return null;
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  return { id, url, title: parsed.title, main: document.adoptNode(parsed.getElementById("content")) };
}

function release() {
  const url = current?.form.dataset.aheadRelease;
  if (!url || !pages.length) return;
  const body = new URLSearchParams(pages.splice(0).map((page) => ["assignment", page.id]));
  fetch(url, { method: "POST", body, headers: csrfHeaders(), keepalive: true }).catch(() => {});
}

behave("form[data-ahead]", (form) => new Ahead(form));
// taking back comes after what is still on its way
document.addEventListener("submit", (event) => {
  if (event.target.id !== "undo" || !waiting()) return;
  event.preventDefault();
  flush().then(() => event.target.submit());
}, true);
window.addEventListener("pagehide", release);
window.addEventListener("pageshow", (event) => { if (event.persisted) fill(); });
// back to a page that this one replaced; a link within the page moves no further than that
window.addEventListener("popstate", () => { if (location.pathname + location.search !== shown) location.reload(); });
