/** Places in a text where two changes wait for a decision (core/merge.py marks them): each gets its buttons below the field. */
import { behave, make } from "./behaviour.js";
import { put } from "./findings.js";
import { text } from "./texts.js";

const UNDECIDED = /⟦yours⟧([\s\S]*?)⟦theirs⟧([\s\S]*?)⟦end⟧/g;

class Undecided {
  constructor(field) {
    this.field = field;
    this.list = make("ul", { class: "findings" });
    field.closest(".marked").after(this.list);
    for (const name of ["input", "change", "autosave:changed"]) field.form.addEventListener(name, () => this.draw());
    this.draw();
  }

  draw() {
    const places = [...this.field.value.matchAll(UNDECIDED)];
    const shown = places.map((place) => place[0]).join("\0");
    if (shown === this.shown) return;
    this.shown = shown;
    this.list.replaceChildren(...places.map((place) => this.row(place)));
  }

  row(place) {
    const [, yours, theirs] = place;
    const choices = [["keep-mine", yours], ["take-theirs", theirs], ["take-both", `${yours} ${theirs}`]];
    const buttons = choices.map(([label, words]) => {
      const button = make("button", { type: "button", class: "btn btn-small" }, text(label));
      button.addEventListener("click", () => this.choose(place[0], words));
      return button;
    });
    const sentence = make("span", { class: "finding-text", dir: "auto" }, text("undecided", { yours: yours || "∅", theirs: theirs || "∅" }));
    return make("li", { class: "finding", "data-tone": "warn", "data-undecided": true }, sentence, make("span", { class: "finding-actions" }, ...buttons));
  }

  choose(whole, words) {
    const at = this.field.value.indexOf(whole);
    if (at < 0) return;
    this.field.focus();
    this.field.setSelectionRange(at, at + whole.length);
    put(this.field, words);
  }
}

behave("form[data-editor] .marked textarea", (field) => new Undecided(field));
