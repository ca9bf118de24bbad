/**
 * Rows of fields that people add and remove: <ol data-list="turns"> of rows whose fields carry data-part, and beside it
 * <template data-list-item> with an empty row. Serialized as {turns: [{part: value…}…]}, whatever the fields are called.
 */
export function listsOf(form) {
  return [...form.querySelectorAll("[data-list]")];
}

export function readList(list) {
  return [...list.children].map((row) => Object.fromEntries([...row.querySelectorAll("[data-part]")].map((field) => [field.dataset.part, field.value])));
}

export function addRow(list, values = {}) {
  const template = list.parentElement.querySelector(":scope > template[data-list-item]");
  const row = fillRow(template.content.firstElementChild.cloneNode(true), values);
  list.append(row);
  return row;
}

function fillRow(row, values) {
  for (const field of row.querySelectorAll("[data-part]")) if (field.dataset.part in values) field.value = values[field.dataset.part];
  return row;
}

/** Without a template the rows are fixed, and only their fields are filled. */
export function fillList(list, rows) {
  if (list.parentElement.querySelector(":scope > template[data-list-item]")) {
    list.replaceChildren();
    for (const values of rows) addRow(list, values);
  } else [...list.children].forEach((row, at) => fillRow(row, rows[at] ?? {}));
  list.dispatchEvent(new CustomEvent("list:filled", { bubbles: true }));
}
