/** Sentences for people come translated from components/texts.html; `{name}` is filled in here. */
export function text(name, values = {}) {
  const source = document.getElementById("texts")?.content.querySelector(`[data-text="${name}"]`);
  const sentence = source ? source.textContent : name;
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

/** Hour and minute in the reader's own way of writing them. */
export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
