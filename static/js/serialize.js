/** The editable fields of a form as {name: value}; groups, multiple selects and lists of rows give a list. Used for every kind of saving. */
import { fillList, listsOf, readList } from "./lists.js";

const SKIPPED = new Set(["password", "file", "hidden", "submit", "button", "reset", "image"]);

function editable(form) {
  return [...form.elements].filter(
    (field) => field.name && !field.disabled && !SKIPPED.has(field.type) && !field.matches("[data-autosave-skip], button, fieldset, output, [data-list] *"),
  );
}

function isGroup(form, field) {
  return field.type === "checkbox" && form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(field.name)}"]`).length > 1;
}

export function serialize(form) {
  const fields = {};
  for (const field of editable(form)) {
    if (field.type === "radio") {
      if (field.checked) fields[field.name] = field.value;
      else fields[field.name] ??= "";
    } else if (isGroup(form, field)) {
      fields[field.name] ??= [];
      if (field.checked) fields[field.name].push(field.value);
    } else if (field.type === "checkbox") fields[field.name] = field.checked;
    else if (field.type === "select-multiple") fields[field.name] = [...field.selectedOptions].map((option) => option.value);
    else fields[field.name] = field.value;
  }
  for (const list of listsOf(form)) fields[list.dataset.list] = readList(list);
  return fields;
}

export function apply(form, fields) {
  for (const field of editable(form)) {
    if (!(field.name in fields)) continue;
    const value = fields[field.name];
    if (field.type === "radio") field.checked = field.value === value;
    else if (isGroup(form, field)) field.checked = value.includes(field.value);
    else if (field.type === "checkbox") field.checked = Boolean(value);
    else if (field.type === "select-multiple") for (const option of field.options) option.selected = value.includes(option.value);
    else field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  for (const list of listsOf(form)) if (Array.isArray(fields[list.dataset.list])) fillList(list, fields[list.dataset.list]);
}

/** Line ends differ between a textarea and the server; nothing else may. */
export function sameFields(one, other) {
  const plain = (fields) => JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))).replaceAll("\\r\\n", "\\n");
  return plain(one) === plain(other);
}
