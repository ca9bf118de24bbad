/** What a person has changed of a text, word by word, while they type. The server's own comparison is core/diff.py. */
import { behave, make } from "./behaviour.js";

const PIECES = /[\p{L}\p{M}\p{N}_]+|\s+|[^]/gu;
const MOST = 4_000_000; // comparisons; a longer middle is shown as replaced whole

/** [["equal" | "delete" | "insert", text], …] from `old` to `fresh`. */
function wordDiff(old, fresh) {
  const before = old.match(PIECES) ?? [];
  const after = fresh.match(PIECES) ?? [];
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const parts = [];
  const add = (op, pieces) => {
    if (!pieces.length) return;
    if (parts.at(-1)?.[0] === op) parts.at(-1)[1] += pieces.join("");
    else parts.push([op, pieces.join("")]);
  };
  add("equal", before.slice(0, head));
  middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail), add);
  add("equal", before.slice(before.length - tail));
  return parts;
}

/** Longest common subsequence by rows; what is not in it was deleted or inserted. */
function middle(left, right, add) {
  if (left.length * right.length > MOST) { add("delete", left); add("insert", right); return; }
  const width = right.length + 1;
  const length = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = left[i] === right[j] ? length[(i + 1) * width + j + 1] + 1 : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  let i = 0, j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) { add("equal", [left[i]]); i += 1; j += 1; }
    else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) { add("delete", [left[i]]); i += 1; }
    else { add("insert", [right[j]]); j += 1; }
  }
  add("delete", left.slice(i));
  add("insert", right.slice(j));
}

const TAGS = { equal: "span", delete: "del", insert: "ins" };

behave("[data-diff-of]", (place) => {
  const field = document.getElementById(place.dataset.diffOf);
  const original = document.querySelector(`template[data-diff-original="${place.dataset.diffOf}"]`)?.content.textContent ?? "";
  const same = place.parentElement.querySelector("[data-diff-same]");
  const draw = () => {
    const parts = wordDiff(original, field.value);
    place.replaceChildren(...parts.map(([op, text]) => make(TAGS[op], {}, op === "equal" ? null : make("span", { class: "visually-hidden" }, `${place.dataset[`diff${op[0].toUpperCase()}${op.slice(1)}`]} `), text)));
    const unchanged = parts.every(([op]) => op === "equal");
    place.hidden = unchanged;
    if (same) same.hidden = !unchanged;
  };
  field.addEventListener("input", draw);
  draw();
});

behave("[data-diff-reset]", (button) => {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.diffReset);
    field.value = document.querySelector(`template[data-diff-original="${field.id}"]`).content.textContent;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
});
