/**
 * Output fields in the editor: words selected in the input fill a field or are marked as its evidence. A mark is {start, text}; start
 * counts characters as Python does. What does not fit comes with look.js and is said below the field.
 */
import { behave, make } from "./behaviour.js";
import { announce } from "./live.js";
import { text } from "./texts.js";

const SHOWN = 30;

class Outputs {
  constructor(box) {
    this.box = box;
    this.input = document.getElementById(box.dataset.input);
    this.rows = [...box.querySelectorAll("[data-output]")];
    for (const row of this.rows) {
      row.querySelector("[data-output-tools]").hidden = false;
      row.querySelector("[data-take]").addEventListener("click", () => this.take(row, true));
      row.querySelector("[data-mark]").addEventListener("click", () => this.take(row, false));
      this.show(row);
    }
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    box.addEventListener("list:filled", () => this.rows.forEach((row) => this.show(row)));
    box.closest("form").addEventListener("texts:looked", (event) => this.tell(event.detail.outputs));
  }

  marks(row) {
    return JSON.parse(row.querySelector("[data-part=evidence]").value || "[]");
  }

  /** Ctrl+Shift and a digit takes the selection into the field of that number; the cursor stays in the input for the next one. */
  pressed(event) {
    const row = this.rows[Number(event.code.match(/^Digit([1-9])$/)?.[1]) - 1];
    if (!row || !event.ctrlKey || !event.shiftKey || event.altKey || event.isComposing || event.repeat) return;
    event.preventDefault();
    this.take(row, true);
    this.input.focus();
  }

  take(row, fill) {
    const { selectionStart: from, selectionEnd: to, value } = this.input;
    const words = value.slice(from, to);
    if (!words.trim()) {
      announce(text("nothing-selected"));
      this.input.focus();
      return;
    }
    this.keep(row, [...this.marks(row), { start: [...value.slice(0, from)].length, text: words }]);
    if (fill) this.fill(row, words.trim().replace(/\s*\n\s*/g, " "));
    announce(text("taken", { words: words.slice(0, SHOWN) }));
  }

  fill(row, words) {
    const field = row.querySelector("[data-part=value]");
    if ("many" in row.dataset && field.value.trim()) field.value = `${field.value.replace(/\n+$/, "")}\n${words}`;
    else field.value = words;
    this.changed();
    field.focus();
  }

  keep(row, marks) {
    row.querySelector("[data-part=evidence]").value = JSON.stringify(marks);
    this.show(row);
    this.changed();
  }

  changed() {
    this.box.dispatchEvent(new CustomEvent("autosave:changed", { bubbles: true }));
  }

  show(row) {
    const marks = this.marks(row);
    row.querySelector("[data-evidence]").replaceChildren(...marks.map((mark) => {
      const drop = make("button", { type: "button", class: "btn btn-small", "aria-label": text("drop-evidence", { words: mark.text.slice(0, SHOWN) }) },
        make("q", { dir: "auto" }, mark.text.slice(0, SHOWN)), " ×");
      drop.addEventListener("click", () => this.keep(row, marks.filter((other) => other !== mark)));
      return drop;
    }));
  }

  tell(misfits) {
    for (const row of this.rows) {
      const message = row.querySelector("[data-output-message]");
      const found = misfits.find((misfit) => misfit.field === row.dataset.output);
      message.textContent = found?.message ?? "";
      message.hidden = !found;
    }
  }
}

behave("[data-outputs]", (box) => new Outputs(box));
