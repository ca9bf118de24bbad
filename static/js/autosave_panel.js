/** What autosave tells and asks a person: that a text came back, which of two to take. Shown in [data-autosave-panel] of the form. */
import { make } from "./behaviour.js";
import { clock, text, toneIcon } from "./texts.js";

function panel(form, tone, sentence, ...rest) {
  const place = form.querySelector("[data-autosave-panel]");
  if (!place) return;
  place.replaceChildren(make("div", { class: "callout", "data-tone": tone, role: "alert" }, toneIcon(tone), make("p", { class: "callout-title" }, sentence), ...rest));
  place.hidden = false;
}

export function hidePanel(form) {
  const place = form.querySelector("[data-autosave-panel]");
  if (!place) return;
  place.replaceChildren();
  place.hidden = true;
  standAlone(place, false);
}

/** Until the person has chosen, nothing can be typed over what they choose between. */
function standAlone(place, alone) {
  for (let part = place; !part.matches("form"); part = part.parentElement) {
    for (const other of part.parentElement.children) if (other !== part) other.inert = alone;
  }
}

function plain(label, kind, act) {
  const element = make("button", { type: "button", class: `btn btn-small ${kind}` }, label);
  element.addEventListener("click", act);
  return element;
}

function button(form, label, kind, act) {
  return plain(label, kind, () => { act(); hidePanel(form); });
}

function buttons(...elements) {
  return make("div", { class: "cluster" }, ...elements);
}

export function showRestored(form, draft, discard) {
  panel(form, "info", text("restored", { time: clock(draft.at) }), buttons(button(form, text("discard"), "btn-quiet", discard)));
}

/** What other windows left on this computer, below the panel: `take` one into the form, or `drop` it; `told` says what it is. */
export function showLeft(form, copies, shown, take, drop, told = (time) => text("left", { time })) {
  const place = form.querySelector("[data-autosave-panel]");
  if (!place) return;
  form.querySelector("[data-autosave-left]")?.remove();
  if (!copies.length) return;
  const rows = copies.map((copy) => make("div", { class: "callout", "data-tone": "info" }, toneIcon("info"),
    version(told(clock(copy.at)), copy.fields, shown),
    buttons(plain(text("bring-back"), "", () => take(copy)), plain(text("discard"), "btn-quiet", () => drop(copy)))));
  place.after(make("div", { class: "stack", "data-gap": "s", role: "status", "data-autosave-left": true }, ...rows));
}

function version(label, fields, other) {
  const parts = Object.entries(fields).filter(([name, value]) => typeof value === "string" && value !== (other[name] ?? ""));
  return make("div", { class: "stack", "data-gap": "s" }, make("strong", {}, label),
    ...parts.map(([, value]) => make("div", { class: "sheet", dir: "auto", tabindex: "0" }, value)));
}

/**
 * `keep` puts the person's own text into the form, `take` the server's, `merge` (if there is one) both together; `alone`: the form waits
 * for it.
 */
export function showConflict(form, { mine, theirs, keep, take, merge, alone = false }) {
  panel(form, "warn", text("conflict"),
    make("div", { class: "diff-side" }, version(text("mine"), mine, theirs), version(text("theirs"), theirs, mine)),
    buttons(button(form, text("keep-mine"), "", keep), button(form, text("take-theirs"), "", take), merge && button(form, text("merge"), "", merge)));
  const place = form.querySelector("[data-autosave-panel]");
  if (place) standAlone(place, alone);
}
