/** Sentences for people come translated from components/texts.html; `{name}` is filled in here. */
export function text(name, values = {}) {
  const source = document.getElementById("texts")?.content.querySelector(`[data-text="${name}"]`);
  const sentence = source ? source.textContent : name;
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

/** The picture that a callout of this tone carries (components/callout.html), for callouts that scripts draw. */
export function toneIcon(tone) {
  return document.getElementById("texts")?.content.querySelector(`[data-icon="${tone}"] svg`)?.cloneNode(true);
}

/** Hour and minute, as the server writes them. */
export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
