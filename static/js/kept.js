/** <section data-kept="address" hidden> lists the texts below that address that only this device has: their page was left before they were sent. */
import { behave, make } from "./behaviour.js";
import { draftsBelow } from "./drafts.js";
import { waiting } from "./outbox.js";
import { clock } from "./texts.js";

const SHOWN = 140;

async function draw(section) {
  const onTheirWay = waiting() > 0; // what was submitted is among that
  const found = (await draftsBelow(section.dataset.kept)).filter(({ submitted }) => !(submitted && onTheirWay));
  section.querySelector("ul").replaceChildren(...found.map(row));
  section.hidden = !found.length;
}

function row({ fields, page, at }) {
  const words = [fields.instruction, fields.response].find((text) => text?.trim()) ?? "…";
  return make("li", {}, make("a", { class: "row-link", href: page, dir: "auto" }, words.slice(0, SHOWN)), " ", make("span", { class: "meta" }, clock(at)));
}

behave("[data-kept]", (section) => {
  draw(section);
  document.addEventListener("outbox:sent", () => draw(section));
});
