/**
 * Pasting into a text of the editor: what comes from a word processor, a spreadsheet or a PDF becomes Markdown (markdown.js), and
 * <input name="pasted"> counts the characters that came this way and still stand in the texts.
 */
import { behave } from "./behaviour.js";
import { put } from "./findings.js";
import { announce } from "./live.js";
import { converted } from "./markdown.js";
import { text } from "./texts.js";

class Paste {
  constructor(form) {
    this.form = form;
    this.count = form.querySelector("input[name=pasted]");
    this.before = Number(this.count.value) || 0; // pasted before this page was loaded
    this.pieces = [];
    form.addEventListener("paste", (event) => { if (event.target.matches("textarea")) this.pasted(event); });
    form.addEventListener("input", () => this.tell());
    this.count.addEventListener("change", () => { this.before = Number(this.count.value) || 0; }); // a draft was brought back
  }

  pasted(event) {
    const plain = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
    const words = converted(event.clipboardData.getData("text/html"), plain);
    this.pieces.push(...words.split("\n").map((line) => line.trim()).filter((line) => line.length > 2));
    if (words === plain || !words) return; // the browser does that itself
    event.preventDefault();
    put(event.target, words);
    announce(text("pasted"));
  }

  /** Pieces that were written over since then no longer count. */
  tell() {
    const fields = [...this.form.querySelectorAll("textarea")].map((field) => field.value);
    const whole = fields.join("\n");
    const alive = this.pieces.filter((piece) => whole.includes(piece)).reduce((sum, piece) => sum + [...piece].length, 0);
    this.count.value = Math.min(this.before + alive, [...whole].length);
  }
}

behave("form[data-editor]", (form) => new Paste(form));
