/**
 * What the server says of texts being typed: <form data-look="URL">. Asked 150 ms after the last key, one question at a time. The
 * answer, {"findings", "tokens"}, goes out as the event "texts:looked"; findings.js, marks.js and the meter listen. Until it is there for
 * the text as it stands, the form has the attribute data-unlooked. A <details
 * data-look-part="URL" [data-look-of="instruction input"]> in the form is drawn by the server while open, when these fields changed.
 */
import { behave } from "./behaviour.js";
import { isGood, postJson } from "./http.js";
import { serialize } from "./serialize.js";

const PAUSE_MS = 150;

class Look {
  constructor(form) {
    this.form = form;
    this.parts = [...form.querySelectorAll("[data-look-part]")];
    this.changes = 0;
    const later = () => {
      this.changes += 1;
      form.setAttribute("data-unlooked", "");
      this.later();
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("autosave:changed", later);
    for (const part of this.parts) {
      part.addEventListener("toggle", () => this.show(part));
      this.show(part);
    }
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE_MS);
  }

  async ask() {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    const { changes } = this;
    const fields = serialize(this.form);
    const response = await postJson(this.form.dataset.look, { fields }).catch(() => null);
    const answer = isGood(response) ? await response.json().catch(() => null) : null;
    this.asking = false;
    if (answer && changes === this.changes) this.form.removeAttribute("data-unlooked");
    if (answer) this.form.dispatchEvent(new CustomEvent("texts:looked", { bubbles: true, detail: answer }));
    for (const part of this.parts) this.show(part);
    if (this.again) this.later();
    this.again = false;
  }

  async show(part) {
    if (!part.open) return;
    const fields = serialize(this.form);
    const names = part.dataset.lookOf?.split(" ") ?? Object.keys(fields);
    const about = JSON.stringify(names.map((name) => fields[name]));
    if (about === part.lookedAt) return;
    part.lookedAt = about;
    const response = await postJson(part.dataset.lookPart, { fields }).catch(() => null);
    const drawn = isGood(response) ? await response.text().catch(() => null) : null; // the server may die halfway
    if (drawn === null) part.lookedAt = null;
    else if (part.lookedAt === about) part.querySelector("[data-look-place]").innerHTML = drawn;
  }
}

behave("form[data-look]", (form) => new Look(form));
