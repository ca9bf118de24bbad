/** Rows that people add, move and remove: <details data-rows> around a list of lists.js. Earlier turns take turns: a new one is the other's. */
import { behave } from "./behaviour.js";
import { addRow } from "./lists.js";

class Rows {
  constructor(box) {
    this.box = box;
    this.list = box.querySelector("[data-list]");
    const add = box.querySelector("[data-row-add]");
    add.hidden = false;
    add.addEventListener("click", () => this.add());
    this.list.addEventListener("click", (event) => this.clicked(event.target.closest("button")));
    this.list.addEventListener("list:filled", () => this.show());
    this.show();
  }

  add() {
    const last = this.list.lastElementChild?.querySelector("[data-part=role]")?.value;
    const row = addRow(this.list, last ? { role: last === "user" ? "assistant" : "user" } : {});
    this.changed();
    row.querySelector("textarea, input").focus();
  }

  clicked(button) {
    const row = button?.closest("li");
    if (!row) return;
    if (button.matches("[data-row-remove]")) {
      const near = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (near?.querySelector("textarea, input") ?? this.box.querySelector("[data-row-add]")).focus();
    } else if (button.dataset.rowMove === "-1") row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    if (row.isConnected) button.focus();
    this.changed();
  }

  changed() {
    this.show();
    this.box.dispatchEvent(new CustomEvent("autosave:changed", { bubbles: true }));
  }

  show() {
    for (const tools of this.list.querySelectorAll("[data-row-tools]")) tools.hidden = false;
    this.box.querySelector("[data-rows-count]").textContent = this.list.childElementCount || "";
    if (this.list.childElementCount) this.box.open = true;
  }
}

behave("[data-rows]", (box) => new Rows(box));
