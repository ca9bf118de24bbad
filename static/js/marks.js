/**
 * Findings underlined, and the limit of tokens drawn, in the text itself. A textarea can hold no marks, so they lie in a box behind it
 * that holds the same text in the same place: <div class="marked"><div class="marks" aria-hidden="true"></div><textarea>…</div>.
 */
import { behave, make } from "./behaviour.js";
import { locate, TONES, unitsAt } from "./findings.js";

class Marks {
  constructor(box) {
    this.layer = box.querySelector(".marks");
    this.field = box.querySelector("textarea");
    this.findings = [];
    this.cut = null;
    const form = this.field.form;
    this.field.addEventListener("input", () => this.draw());
    this.field.addEventListener("scroll", () => this.follow());
    form.addEventListener("change", () => this.draw());
    form.addEventListener("autosave:changed", () => this.draw());
    form.addEventListener("texts:looked", (event) => this.looked(event.detail));
    new ResizeObserver(() => this.follow()).observe(this.field);
    this.first();
  }

  /** What the server drew with the page. */
  first() {
    const list = document.querySelector(`[data-findings-for="${this.field.id}"]`);
    this.findings = [...(list?.querySelectorAll("[data-jump]") ?? [])].map((jump) => ({
      start: Number(jump.dataset.start), end: Number(jump.dataset.end), excerpt: jump.dataset.excerpt, tone: jump.closest(".finding").dataset.tone,
    }));
    const cut = this.field.dataset.cut;
    this.cut = cut ? Number(cut) : null;
    this.draw();
  }

  looked({ findings, tokens }) {
    this.findings = (findings[this.field.name] ?? []).map((one) => ({ ...one, tone: TONES[one.severity] ?? "info" }));
    if ("cut" in this.field.dataset) this.cut = tokens.cut;
    this.draw();
  }

  draw() {
    const value = this.field.value;
    const places = this.findings
      .map((one) => ({ tone: one.tone, place: one.end > one.start ? locate(value, one.start, one.end, one.excerpt) : null }))
      .filter((one) => one.place).sort((a, b) => a.place[0] - b.place[0]);
    const beyond = this.cut === null ? value.length : unitsAt(value, this.cut);
    const parts = [];
    let at = 0;
    for (const { tone, place: [start, end] } of places) {
      if (start < at) continue;
      parts.push(...this.plain(value, at, start, beyond), make("mark", { class: "found", "data-tone": tone }, value.slice(start, end)));
      at = end;
    }
    parts.push(...this.plain(value, at, value.length, beyond));
    this.layer.replaceChildren(...parts, "\n");
    this.follow();
  }

  /** Text without findings; what lies beyond the limit is tinted, and the first of it begins with the line. */
  plain(value, from, to, beyond) {
    if (to <= from) return [];
    if (beyond >= to) return [value.slice(from, to)];
    const over = make("span", { class: "beyond", "data-first": from <= beyond }, value.slice(Math.max(from, beyond), to));
    return beyond > from ? [value.slice(from, beyond), over] : [over];
  }

  follow() {
    this.layer.style.inlineSize = `${this.field.clientWidth}px`;
    this.layer.style.blockSize = `${this.field.clientHeight}px`;
    this.layer.scrollTop = this.field.scrollTop;
  }
}

behave(".marked", (box) => new Marks(box));
