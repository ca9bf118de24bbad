/**
 * A chat with a model: <form data-chat action="URL"> with a textarea named "message", a [data-chat-log] list and a [data-chat-stop] button.
 * Sends JSON: the form's fields and `turns` so far. Reads one JSON object a line: {"text"}, {"done", "new_tokens", "seconds"} or {"error"}.
 */
import { behave, make } from "./behaviour.js";
import { csrfHeaders } from "./http.js";
import { announce } from "./live.js";
import { serialize } from "./serialize.js";
import { text } from "./texts.js";

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const pieces = (rest + value).split("\n");
    rest = pieces.pop();
    for (const piece of pieces) if (piece.trim()) yield JSON.parse(piece);
  }
  if (rest.trim()) yield JSON.parse(rest);
}

class Chat {
  constructor(form) {
    this.form = form;
    this.log = document.getElementById(form.dataset.chat);
    this.stop = form.querySelector("[data-chat-stop]");
    this.send = form.querySelector("[data-chat-send]");
    this.turns = [];
    form.addEventListener("submit", (event) => { event.preventDefault(); this.ask(); });
    this.stop?.addEventListener("click", () => this.abort?.abort());
    form.querySelector("[data-chat-clear]")?.addEventListener("click", () => { this.turns = []; this.log.replaceChildren(); });
  }

  show(role, content) {
    const words = make("span", { dir: "auto" }, content);
    const item = make("li", { class: "chat-turn", "data-role": role }, make("span", { class: "visually-hidden" }, `${text(role === "user" ? "you" : "model")}: `), words);
    this.log.append(item);
    item.scrollIntoView({ block: "nearest" });
    return { item, words };
  }

  busy(on) {
    this.send.disabled = on;
    if (this.stop) this.stop.hidden = !on;
    this.log.setAttribute("aria-busy", String(on));
  }

  async ask() {
    const field = this.form.elements.message;
    const message = field.value.trim();
    if (!message || this.send.disabled) return;
    const { message: _, ...rest } = serialize(this.form);
    this.abort = new AbortController();
    this.busy(true);
    this.show("user", message);
    field.value = "";
    const answer = this.show("assistant", "");
    answer.item.setAttribute("aria-busy", "true");
    try {
      await this.receive({ ...rest, message, turns: this.turns }, answer);
      this.turns.push({ role: "user", content: message }, { role: "assistant", content: answer.words.textContent });
    } catch (error) {
      this.fail(answer, error, message, field);
    }
    answer.item.removeAttribute("aria-busy");
    this.busy(false);
    field.focus();
  }

  async receive(data, { item, words }) {
    const response = await fetch(this.form.action, {
      method: "POST",
      signal: this.abort.signal,
      headers: { "Content-Type": "application/json", Accept: "application/x-ndjson", ...csrfHeaders() },
      body: JSON.stringify(data),
    });
    if (!response.ok) {
      const answer = await response.json().catch(() => ({}));
      throw new Error(answer.detail ?? answer.message ?? text("server-error", { status: response.status }));
    }
    for await (const line of lines(response.body)) {
      if (line.error) throw new Error(line.error);
      if (line.text) words.append(line.text);
      if (line.done) this.finish(item, words, line);
      const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
      if (atEnd) this.log.scrollTop = this.log.scrollHeight;
    }
  }

  finish(item, words, line) {
    const done = line.new_tokens === 1 ? "answer-done-one" : "answer-done";
    const facts = [text(done, { tokens: line.new_tokens ?? "?", seconds: Number(line.seconds ?? 0).toFixed(1) })];
    if (!words.textContent.trim()) facts.unshift(text("answer-empty"));
    if (line.finish_reason === "length") facts.push(text("answer-cut"));
    item.append(make("span", { class: "meta" }, facts.join(" · ")));
    announce(words.textContent.trim() || facts[0]);
  }

  fail({ item, words }, error, message, field) {
    if (error.name === "AbortError") {
      item.append(make("span", { class: "meta" }, text("stopped")));
      this.turns.push({ role: "user", content: message }, { role: "assistant", content: words.textContent });
      return;
    }
    item.dataset.role = "error";
    words.append(words.textContent ? "\n" : "", error instanceof TypeError ? text("no-answer") : error.message);
    announce(words.textContent);
    if (!field.value) field.value = message;
  }
}

export function startChat() {
  behave("form[data-chat]", (form) => new Chat(form));
}
