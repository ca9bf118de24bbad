/** Says aloud and shows what happened without a page load. */
import { make } from "./behaviour.js";
import { text, toneIcon } from "./texts.js";

export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (!region || !sentence) return;
  region.textContent = "";
  // a short pause lets screen readers notice the same sentence twice
  setTimeout(() => { region.textContent = sentence; }, 60);
}

export function toast(sentence, { tone = "info", seconds = 8, more = null } = {}) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const close = make("button", { class: "btn btn-small btn-quiet", type: "button" }, text("close"));
  const box = make("div", { class: "callout", "data-tone": tone }, toneIcon(tone), make("p", {}, sentence), more, close);
  close.addEventListener("click", () => box.remove());
  place.append(box);
  announce(sentence);
  if (tone !== "bad") setTimeout(() => box.remove(), seconds * 1000);
}

export function startLive() {
  // a fragment may carry data-announce="…": it is said when the sentence differs from the fragment's last one, and what
  // the page told when it was loaded is then over: it spoke of the state before
  const told = new Map([...document.querySelectorAll("[data-announce]")].map((part) => [part.id, part.dataset.announce]));
  document.addEventListener("htmx:afterSettle", (event) => {
    const speaker = event.target.closest?.("[data-announce]") ?? event.target.querySelector?.("[data-announce]");
    const sentence = speaker?.dataset.announce ?? "";
    if (!sentence || sentence === told.get(speaker.id)) return;
    announce(sentence);
    const over = told.has(speaker.id) ? "#notices [data-message]:not([data-tone=bad])" : null;
    if (over) document.querySelectorAll(over).forEach((message) => message.remove());
    told.set(speaker.id, sentence);
  });

  let silentSince = 0;
  document.addEventListener("htmx:sendError", (event) => {
    // a fragment that polls would repeat this every two seconds
    const polls = event.detail.elt?.getAttribute("hx-trigger")?.includes("every");
    if (polls && Date.now() - silentSince < 60_000) return;
    silentSince = Date.now();
    toast(text("no-answer"), { tone: "warn" });
  });
  document.addEventListener("htmx:responseError", (event) => {
    toast(text("server-error", { status: event.detail.xhr.status }), { tone: "bad" });
  });

  // what is wrong stands above; who types goes on where the first of it is
  const summary = document.querySelector("[data-focus]:not([data-sample] *)");
  const wrong = [...(summary?.closest("form")?.querySelectorAll("[aria-invalid=true]") ?? [])].find((field) => field.checkVisibility());
  (wrong ?? summary)?.focus();
}
