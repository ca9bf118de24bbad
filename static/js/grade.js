/**
 * Grading by keyboard: inside <form data-grade> the digits 1 to 5 choose in the criterion that has the focus, else in
 * the first one without a grade, and the focus goes on to the next. The other keys are ordinary data-key shortcuts.
 */
import "./ahead.js";
import "./renew.js";
import { singleKeysOn } from "./shortcuts.js";

function rated(group) {
  return group.querySelector("input:checked") !== null;
}

function onDigit(event) {
  const form = document.querySelector("form[data-grade]"); // the one shown now: the next answer comes without a page load
  if (!form) return;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !singleKeysOn()) return;
  if (!/^[1-5]$/.test(event.key) || event.target.matches("textarea, select") || document.querySelector("dialog[open]")) return;
  const groups = [...form.querySelectorAll("fieldset.rating")].filter((group) => group.querySelector('input[value="5"]'));
  const here = event.target.closest?.("fieldset.rating");
  const group = groups.includes(here) ? here : groups.find((each) => !rated(each));
  const option = group?.querySelector(`input[value="${event.key}"]`);
  if (!option) return;
  event.preventDefault();
  option.click();
  const next = groups.find((each) => !rated(each)) ?? form.querySelector('fieldset.rating:has([name="usable"])');
  next?.querySelector("input")?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", onDigit);
