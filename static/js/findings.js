/**
 * Findings of the text checks under a field: <ul class="findings" data-findings-for="ID of the textarea">.
 * Rendered by the server (components/findings.html), or from an answer of look.js: {"findings": {"field name": [finding…]}}.
 * A finding counts characters as Python does; a textarea counts UTF-16 units, so positions are converted.
 */
import { behave, make } from "./behaviour.js";
import { announce } from "./live.js";
import { text } from "./texts.js";

export const TONES = { error: "bad", warning: "warn", info: "info" };

export function unitsAt(string, characters) {
  return [...string].slice(0, characters).join("").length;
}

/** Where the finding lies now: at its place, else at the nearest same text, else nowhere. A long one's excerpt is its beginning. */
export function locate(value, start, end, excerpt) {
  const from = unitsAt(value, start);
  const to = unitsAt(value, end);
  if (!excerpt || value.slice(from, to).startsWith(excerpt)) return [from, to];
  const before = value.lastIndexOf(excerpt, from);
  const after = value.indexOf(excerpt, from);
  const nearest = before < 0 || (after >= 0 && after - from < from - before) ? after : before;
  return nearest < 0 ? null : [nearest, nearest + Math.max(excerpt.length, to - from)];
}

export function select(field, button) {
  const place = locate(field.value, Number(button.dataset.start), Number(button.dataset.end), button.dataset.excerpt);
  if (!place) {
    announce(text("text-moved"));
    return null;
  }
  field.focus();
  field.setSelectionRange(...place);
  return place;
}

function replace(field, button) {
  const place = select(field, button);
  if (!place) return;
  put(field, button.dataset.replacement);
}

/** Write over the selection as a person would: the browser's own undo takes it back. */
export function put(field, replacement) {
  field.focus();
  if (document.execCommand("insertText", false, replacement)) return;
  field.setRangeText(replacement, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new CustomEvent("autosave:changed", { bubbles: true }));
}

function renderFindings(list, findings, value) {
  const characters = [...value];
  list.replaceChildren(...findings.map((finding) => {
    const excerpt = characters.slice(finding.start, finding.end).join("");
    const place = { type: "button", "data-start": finding.start, "data-end": finding.end, "data-excerpt": excerpt };
    const jump = make("button", { ...place, class: "btn btn-small btn-quiet", "data-jump": true }, text("jump"));
    const uses = (finding.suggestions ?? []).slice(0, 3).map((word) =>
      make("button", { ...place, class: "btn btn-small", "data-replacement": word }, word ? text("use", { word }) : text("remove")));
    return make("li", { class: "finding", "data-tone": TONES[finding.severity] ?? "info" },
      make("span", { class: "finding-text" }, finding.message), make("span", { class: "finding-actions" }, jump, ...uses));
  }));
  const empty = list.parentElement?.querySelector("[data-findings-none]");
  if (empty) empty.hidden = findings.length > 0;
}

export function startFindings() {
  behave("[data-findings-for]", (list) => {
    list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-start]");
      const field = document.getElementById(list.dataset.findingsFor);
      if (!button || !field) return;
      if (button.dataset.replacement === undefined) select(field, button);
      else replace(field, button);
    });
  });
  document.addEventListener("texts:looked", (event) => {
    for (const list of event.target.querySelectorAll("[data-findings-for]")) {
      const field = document.getElementById(list.dataset.findingsFor);
      const findings = event.detail.findings?.[field?.name];
      if (findings) renderFindings(list, findings, field.value);
    }
  });
}
