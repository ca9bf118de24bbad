/** Attach a behaviour to every element that matches, now and whenever htmx brings new ones; once per element. */
const started = new WeakMap();

function start(root, selector, begin) {
  const found = root.matches?.(selector) ? [root, ...root.querySelectorAll(selector)] : root.querySelectorAll(selector);
  for (const element of found) {
    const done = started.get(element) ?? new Set();
    if (done.has(begin)) continue;
    started.set(element, done.add(begin));
    begin(element);
  }
}

export function behave(selector, begin) {
  start(document, selector, begin);
  document.addEventListener("htmx:load", (event) => start(event.detail.elt, selector, begin));
}

/** Build an element: `make("p", { class: "error", "data-x": 1 }, "text", child)`. Text stays text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
