/** Copy boxes: a button with data-copy="id of the element whose text is copied". */
import { announce } from "./live.js";
import { text } from "./texts.js";

export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const label = button.querySelector("[data-copy-label]") ?? button;
    const before = label.textContent;
    let sentence = text("copied");
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      // no clipboard on an address without TLS: select, so that Ctrl+C works
      getSelection().selectAllChildren(source);
      sentence = text("copy-failed");
    }
    label.textContent = sentence;
    announce(sentence);
    setTimeout(() => { label.textContent = before; }, 2500);
  });
}
