/**
 * Nothing typed is lost. <form data-autosave="URL" data-autosave-name="pair-12" data-autosave-version="3">
 *
 * 1. each change is kept on this computer at once (drafts.js), 2. sent after half a second of quiet, when the tab is hidden and when
 * the network returns, 3. forgotten here when the server has acknowledged exactly that text. The protocol is in docs/frontend.md.
 */
import { behave } from "./behaviour.js";
import { showConflict, showLeft, showRestored, hidePanel } from "./autosave_panel.js";
import {
  clearDrafts, hasUnsentDrafts, isCopyOf, leftCopies, markLeft, ownCopy, pruneDrafts, readSettled, removeCopy, removeDraft, settleDraft,
  submittedBefore, writeDraft,
} from "./drafts.js";
import { isGood, isSignedOut, postJson } from "./http.js";
import { forget, waiting } from "./outbox.js";
import { apply, sameFields, serialize } from "./serialize.js";
import { clock, text } from "./texts.js";
import { here, stay } from "./windows.js";

const QUIET_MS = 500;
const RETRY_MS = [2000, 5000, 15000, 30000];
const KEEPALIVE_BYTES = 60_000; // browsers refuse more in a request that may outlive its page
const MOST_UNHEARD = 8;
const SETTLED_MS = 1000; // a window that is only reloaded is there again by then
const open = new Set(); // those whose form is on the page; others have made room for the next item

class Autosave {
  constructor(form) {
    this.form = form;
    this.url = form.dataset.autosave;
    this.name = form.dataset.autosaveName;
    this.names = [this.name, form.dataset.autosaveFormer].filter(Boolean);
    this.setVersion(Number(form.dataset.autosaveVersion ?? 0));
    this.fill("window", here); // a submit tells whose saves are its own
    this.status = form.querySelector("[data-autosave-status]");
    this.changes = 0; // how many times the person changed something; what the server has is `acknowledged`
    this.acknowledged = 0;
    this.failures = 0;
    this.sending = false;
    this.blocked = false; // a conflict waits for a decision
    this.drawn = asDrawn(form); // what the page came with; a browser shows it again from its store, however much was saved since
    this.base = this.drawn; // what the server had when this page last agreed with it
    this.sent = []; // what was sent since then, and may have arrived though no answer was heard
    this.listen();
    this.recover();
    this.around(true);
    open.add(this);
    stay();
  }

  listen() {
    const changed = (event) => { if (event.isTrusted) this.change(); };
    this.form.addEventListener("input", changed);
    this.form.addEventListener("change", (event) => { if (event.target.matches("select, [type=radio], [type=checkbox]")) changed(event); });
    this.form.addEventListener("autosave:changed", () => this.change());
    this.form.addEventListener("submit", () => this.submitted());
    this.form.addEventListener("autosave:unsent", () => this.resume());
    this.form.addEventListener("autosave:leave", () => this.save());
    this.form.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.elt === this.form && event.detail.successful) setTimeout(() => { if (!this.form.isConnected) removeDraft(this.name); }, 50);
    });
  }

  /**
   * What a crash, a reload, an expired session or a submit that never arrived left on this computer. It comes back by itself where the
   * server has nothing but what it was made from, or has nothing; newer text of the server is never overwritten unasked.
   */
  recover() {
    const { autosaveUnkept: unkept } = this.form.dataset;
    const draft = ownCopy(this.names);
    if (draft) removeCopy(draft); // it goes on as this window's
    // the server has nothing yet of what a refused submit brought back; it may name what that and another window's text stand on
    if (unkept !== undefined) this.base = unkept ? JSON.parse(unkept) : (draft?.base ?? {});
    // what a refused submit brought back is newer than any copy, and so is what was typed before the scripts were there
    if (unkept !== undefined || (!draft && typedAlready(this.form))) this.change();
    else this.restore(draft ?? readSettled(this.name), draft);
  }

  restore(kept, draft) {
    const stored = this.base;
    const began = kept && [kept.base ?? {}, kept.drawn ?? {}, ...(kept.sent ?? [])].some((fields) => sameFields(fields, stored));
    if (!kept || sameFields(kept.fields, stored)) removeDraft(this.name);
    else if (began || (draft && isBlank(this.form))) this.bringBack(kept, stored);
    else if (!draft) removeDraft(this.name);
    else {
      writeDraft(this.name, { ...draft, left: false });
      this.undecided = true; // the copy stays as it is until the person has chosen
      this.base = draft.base ?? {};
      this.conflict(draft.fields, stored, this.version);
    }
  }

  /** What other windows left here that are gone. On an untouched page the newest comes back by itself, the others are offered. */
  async around(untouched = false) {
    const left = await leftCopies(this.names);
    if (this.left || this.blocked || !this.form.isConnected) return;
    const known = [serialize(this.form)]; // not what the server has: what stands here is about to replace it
    const offered = left.filter((copy) => {
      const news = !known.some((fields) => sameFields(fields, copy.fields));
      if (news) known.push(copy.fields);
      else removeCopy(copy);
      return news;
    });
    if (untouched && offered.length && !this.changes && !this.undecided) {
      const newest = offered.shift();
      removeCopy(newest);
      this.restore(newest, newest);
      if (this.blocked) return;
    }
    const drop = (copy) => { removeCopy(copy); this.around(); };
    showLeft(this.form, offered, serialize(this.form), (copy) => { this.exchange(copy); drop(copy); }, drop);
  }

  later() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.around(), SETTLED_MS);
  }

  /** Another window's text comes here; what stood here is kept beside it in turn. */
  exchange(copy) {
    const stood = serialize(this.form);
    if (!isBlank(this.form) && (this.changes || this.version)) {
      const base = copy.base ?? this.drawn; // what both began with; the server may have what stood here, and that is no base of it
      writeDraft(this.name, { ...this.copy(), base, sent: [], left: true }, `${here}-${Date.now().toString(36)}`);
    }
    this.bringBack({ ...copy, fields: { ...stood, ...copy.fields } }, stood);
  }

  bringBack(draft, stored) {
    this.own = draft.fields; // the page left behind may have sent them while this one was being drawn
    this.sent = [draft.base, ...(draft.sent ?? [])].filter(Boolean); // or what they stand on
    apply(this.form, draft.fields);
    this.change();
    showRestored(this.form, draft, () => { apply(this.form, stored); this.change(); });
  }

  change() {
    this.changes += 1;
    this.keep(false);
    if (this.blocked) return;
    this.tell("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), QUIET_MS);
  }

  keep(submitted) {
    if (!this.undecided) writeDraft(this.name, { ...this.copy(), submitted });
  }

  copy() {
    const { base, drawn, sent } = this;
    return { fields: serialize(this.form), base, drawn, sent, at: Date.now(), page: this.form.dataset.autosavePage };
  }

  submitted() {
    clearTimeout(this.timer);
    this.blocked = true;
    if (this.changes > 0) this.keep(true);
    this.left = true;
  }

  /** The submit did not leave this page, or one came back to it: typing is kept as before. */
  resume() {
    if (!this.left) return;
    this.left = this.blocked = false;
    if (this.changes > this.acknowledged) this.change();
  }

  async save() {
    if (this.sending || this.blocked || this.changes === this.acknowledged || !this.form.isConnected) return;
    clearTimeout(this.timer);
    this.sending = true;
    const sent = this.changes;
    const fields = serialize(this.form);
    this.sent = [...this.sent, fields].slice(-MOST_UNHEARD);
    this.keep(false); // the copy is what the server gets, in every field: a page that is left hears no answer
    const body = { version: this.version, window: here, base: Number(this.form.elements.base?.value ?? 0), fields };
    let response = null;
    try {
      const small = JSON.stringify(body).length < KEEPALIVE_BYTES / 3;
      response = await postJson(this.url, body, { keepalive: small });
    } catch {
      response = null;
    }
    this.sending = false;
    await this.answered(response, sent, body.fields);
  }

  async answered(response, sent, fields) {
    if (!response || response.status >= 500 || response.status === 429) return this.retry();
    if (isSignedOut(response)) return this.tell("failed", text("signed-out"));
    const answer = await response.json().catch(() => ({}));
    if (response.status === 409 || response.status === 412) return this.stale(fields, answer.theirs ?? answer.fields ?? {}, answer.version);
    if (!response.ok) return this.tell("failed", text("refused", { reason: answer.detail ?? answer.message ?? response.status }));
    return this.accepted(answer, sent, fields);
  }

  /** A newer text that came from this very page, or from the one left before, is nobody else's: only its answer got lost. */
  stale(mine, theirs, version) {
    const known = (fields) => Object.fromEntries(Object.keys(theirs).map((name) => [name, fields[name]]));
    const ours = [this.own, ...this.sent].some((fields) => fields && sameFields(known(fields), theirs));
    if (!ours) return this.conflict(mine, theirs, version);
    this.own = null;
    this.base = theirs;
    this.setVersion(version);
    return this.save();
  }

  accepted(answer, sent, fields) {
    const copy = this.copy();
    this.failures = 0;
    this.base = fields;
    this.sent = [];
    this.acknowledged = sent;
    this.setVersion(answer.version ?? this.version);
    if (this.changes !== sent) {
      this.keep(false);
      this.timer = setTimeout(() => this.save(), QUIET_MS);
      return;
    }
    if (!this.blocked) settleDraft(this.name, copy);
    this.tell("saved", text("saved", { time: clock(Date.now()) }));
  }

  retry() {
    this.tell("offline");
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.save(), wait);
  }

  /** Cancel the event "autosave:conflict" to show another page part than the one built in. */
  conflict(mine, theirs, version) {
    this.blocked = true;
    this.tell("conflict");
    const decide = (fields, known = version ?? this.version) => {
      this.blocked = false;
      this.undecided = false;
      this.setVersion(known);
      apply(this.form, fields);
      hidePanel(this.form);
      this.change();
      this.around();
    };
    const event = new CustomEvent("autosave:conflict", { bubbles: true, cancelable: true, detail: { mine, theirs, version, decide } });
    if (!this.form.dispatchEvent(event)) return;
    const kept = this.undecided ? () => mine : () => serialize(this.form); // typing may have gone on since
    const merge = this.form.dataset.merge ? () => this.merge(kept(), theirs, decide) : null;
    showConflict(this.form, { mine, theirs, keep: () => decide(kept()), take: () => decide(theirs), merge, alone: Boolean(this.undecided) });
  }

  /** Both texts put together by the server; if it cannot, the person's own text stays and the question is asked again by saving. */
  async merge(yours, theirs, decide) {
    this.form.inert = true; // what was typed meanwhile would be written over
    const response = await postJson(this.form.dataset.merge, { base: this.base, yours, theirs }).catch(() => null);
    const answer = isGood(response) ? await response.json().catch(() => null) : null;
    this.form.inert = false;
    if (answer) this.base = theirs;
    decide(answer ? answer.fields : yours, answer ? undefined : this.version);
  }

  setVersion(version) {
    this.version = version;
    this.form.dataset.autosaveVersion = version;
    this.fill("version", version);
  }

  fill(name, value) {
    for (const field of this.form.querySelectorAll(`input[type=hidden][name=${name}]`)) field.value = value;
  }

  tell(state, sentence = text(state)) {
    if (!this.status) return;
    this.status.dataset.state = state;
    if (this.status.textContent !== sentence) this.status.textContent = sentence;
  }
}

function isBlank(form) {
  return [...form.querySelectorAll("textarea")].every((field) => !field.value.trim());
}

/** Without what was typed before the scripts were there. */
function asDrawn(form) {
  const fields = serialize(form);
  for (const field of form.querySelectorAll("textarea")) if (field.name in fields) fields[field.name] = field.defaultValue;
  return fields;
}

function typedAlready(form) {
  return [...form.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
}

function each(act) {
  for (const one of open) if (one.form.isConnected) act(one); else open.delete(one);
}

export function startAutosave() {
  pruneDrafts();
  const save = () => each((one) => one.save());
  document.addEventListener("visibilitychange", save); // also back from the tab in which one signed in again
  window.addEventListener("pagehide", () => { save(); markLeft(true); });
  window.addEventListener("online", save);
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    markLeft(false);
    each((one) => one.resume());
  });
  window.addEventListener("storage", ({ key }) => each((one) => { if (isCopyOf(key, one.names)) one.later(); }));
  behave("form[data-autosave]", (form) => new Autosave(form));
  // a page that follows a successful submit names the draft that is settled
  behave("[data-draft-done]", (element) => submittedBefore(element.dataset.draftDone));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-logout]")) return;
    if ((hasUnsentDrafts() || waiting()) && !window.confirm(text("logout-unsaved"))) event.preventDefault();
    else {
      clearDrafts();
      forget();
    }
  });
}
