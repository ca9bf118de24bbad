/** The editor's own part: what can be done about a finding, and the token meter. Saving is autosave.js, asking look.js, showing findings.js and marks.js. */
import { behave, make } from "./behaviour.js";
import "./ahead.js";
import { locate, put, select } from "./findings.js";
import { isGood, postJson } from "./http.js";
import { announce, toast } from "./live.js";
import "./kept.js";
import "./look.js";
import "./marks.js";
import "./merge.js";
import "./outputs.js";
import "./paste.js";
import "./renew.js";
import "./rows.js";

function say(name, values = {}) {
  const source = document.getElementById("editor-texts")?.content.querySelector(`[data-text="${name}"]`);
  return (source?.textContent ?? name).replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

function changed(form) {
  form.dispatchEvent(new CustomEvent("autosave:changed", { bubbles: true }));
}

function button(label, act) {
  const element = make("button", { type: "button", class: "btn btn-small btn-quiet" }, label);
  element.addEventListener("click", () => act(element));
  return element;
}

/** Each finding gets its ways out: a suggestion, the glossary, or being called no mistake. */
class Findings {
  constructor(form) {
    this.form = form;
    for (const list of form.querySelectorAll("[data-findings-for]")) this.equip(list);
    form.addEventListener("keydown", (event) => { if (event.target.matches("textarea")) this.pressed(event); });
  }

  looked(answer) {
    for (const list of this.form.querySelectorAll("[data-findings-for]")) {
      const field = document.getElementById(list.dataset.findingsFor);
      const findings = answer.findings?.[field?.name] ?? [];
      [...list.children].forEach((item, index) => { item.dataset.check = findings[index]?.check ?? ""; });
      this.equip(list);
    }
    if (answer.tokens) showTokens(this.form, answer.tokens);
    this.remark(answer.remarks ?? []);
  }

  /** What the checks cannot do in the chosen language; said again only when it changes. */
  remark(sentences) {
    const place = this.form.querySelector("[data-look-remarks]");
    if (!place || [...place.children].map((line) => line.textContent).join() === sentences.join()) return;
    place.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("p"), { className: "meta", textContent: sentence })));
  }

  equip(list) {
    const field = document.getElementById(list.dataset.findingsFor);
    for (const item of list.children) {
      const actions = item.querySelector(".finding-actions");
      const jump = actions?.querySelector("[data-jump]");
      if (!jump || item.hasAttribute("data-equipped")) continue;
      item.setAttribute("data-equipped", "");
      if (item.dataset.check === "misspelling") {
        actions.append(button(say("suggest"), (pressed) => this.suggest(pressed, jump)), button(say("glossary"), () => this.accept(jump.dataset.excerpt)));
      }
      actions.append(button(say("dismiss"), (pressed) => this.ask(item, pressed, jump, field)));
    }
  }

  /** Ctrl+. writes the best suggestion for what was found at or behind the cursor, Ctrl+, accepts a misspelling in the glossary. */
  pressed(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || event.repeat || ![".", ","].includes(event.key)) return;
    const accepts = event.key === ",";
    const jump = this.nearest(event.target, (item) => item.dataset.check === "misspelling" || (!accepts && item.querySelector("[data-replacement]")));
    if (!jump) return;
    event.preventDefault();
    if (accepts) this.accept(jump.dataset.excerpt);
    else this.apply(event.target, jump);
  }

  /** Of the findings that will do the one that the cursor stands in or before, else the first that the text still has: the list may be a moment older. */
  nearest(field, willDo) {
    const list = this.form.querySelector(`[data-findings-for="${field.id}"]`);
    const found = [...(list?.children ?? [])]
      .filter(willDo)
      .map((item) => item.querySelector("[data-jump]"))
      .map((jump) => ({ jump, place: locate(field.value, Number(jump.dataset.start), Number(jump.dataset.end), jump.dataset.excerpt) }))
      .filter((one) => one.place);
    return (found.find((one) => one.place[1] >= field.selectionEnd) ?? found[0])?.jump;
  }

  async apply(field, jump) {
    const offered = jump.parentElement.querySelector("[data-replacement]")?.dataset.replacement;
    const word = offered ?? (await this.suggestions(jump.dataset.excerpt))?.[0];
    if (word === undefined) announce(say("none"));
    else if (select(field, jump)) {
      put(field, word);
      announce(word ? say("applied", { word }) : say("removed"));
    }
  }

  async suggestions(word) {
    const query = new URLSearchParams({ word, language: this.language });
    const answer = await this.fetched(fetch(`${this.form.dataset.suggest}?${query}`, { headers: { Accept: "application/json" } }));
    return answer?.suggestions;
  }

  get language() {
    return document.getElementById(this.form.dataset.languageField)?.value ?? "";
  }

  async suggest(pressed, jump) {
    const found = await this.suggestions(jump.dataset.excerpt);
    if (!found) return;
    const place = { type: "button", "data-start": jump.dataset.start, "data-end": jump.dataset.end, "data-excerpt": jump.dataset.excerpt };
    const words = found.slice(0, 5).map((word) => make("button", { ...place, class: "btn btn-small", "data-replacement": word }, word));
    pressed.replaceWith(...(words.length ? words : [make("span", { class: "meta" }, say("none"))]));
  }

  async accept(word) {
    const data = new FormData();
    data.set("word", word);
    data.set("language", this.language);
    const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
    const answer = await this.fetched(fetch(this.form.dataset.glossary, { method: "POST", body: data, headers }));
    if (!answer) return;
    toast(say("added", { word }), { tone: "ok" });
    changed(this.form);
  }

  ask(item, pressed, jump, field) {
    const id = `why-${Math.random().toString(36).slice(2)}`;
    const reason = make("input", { id, maxlength: 300, "data-autosave-skip": true });
    const close = () => { box.remove(); pressed.hidden = false; pressed.focus(); };
    const keep = button(say("keep"), async () => { if (await this.dismiss(item, jump, field, reason.value)) box.remove(); });
    const box = make("span", { class: "cluster" }, make("label", { for: id }, say("why", { excerpt: jump.dataset.excerpt.slice(0, 40) })), reason, keep, button(say("cancel"), close));
    reason.addEventListener("input", (event) => event.stopPropagation());
    reason.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); keep.click(); }
      if (event.key === "Escape") close();
    });
    pressed.hidden = true;
    item.append(box);
    reason.focus();
  }

  async dismiss(item, jump, field, reason) {
    const body = { text: field.value, check: item.dataset.check, excerpt: jump.dataset.excerpt, reason };
    const answer = await this.fetched(postJson(this.form.dataset.dismiss, body));
    if (!answer) return false;
    item.remove();
    toast(say("dismissed"), { tone: "ok" });
    field.focus();
    return true;
  }

  async fetched(request) {
    const response = await request.catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (isGood(response) && answer) return answer;
    toast(say("failed", { reason: answer?.detail ?? response?.status ?? "" }), { tone: "bad" });
    return null;
  }
}

function showTokens(form, { used, limit }) {
  const place = form.querySelector("[data-token-meter]");
  if (!place || used === null) return;
  const meter = make("meter", { "aria-label": say("tokens-label"), min: 0, max: limit, value: Math.min(used, limit), low: 0.9 * limit, high: limit, optimum: 0 });
  const words = make("span", { class: used > limit ? "error" : false }, say("tokens", { used, limit }));
  place.replaceChildren(make("span", { class: "meter" }, meter, words));
}

const equipped = new WeakMap(); // forms that made room for the next item are let go
behave("form[data-editor]", (form) => equipped.set(form, new Findings(form)));
// on the document, as findings.js listens there: it draws the list before this equips it
document.addEventListener("texts:looked", (event) => equipped.get(event.target)?.looked(event.detail));
