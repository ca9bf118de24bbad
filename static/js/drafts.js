/**
 * Copies of unsaved text on this computer, kept until the server has acknowledged them. One entry a person, a draft and a window: two
 * windows on one draft cannot overwrite each other's. What a window that is gone left behind is offered to the same person again.
 */
import { before, here, living } from "./windows.js";

const PREFIX = "apprentice:draft:";
const HEARD = "apprentice:heard:"; // what this tab sent and the server has acknowledged
const DAY = 24 * 3600 * 1000;
const MOST = 20; // copies of one draft

const person = () => `${PREFIX}${document.body.dataset.user ?? ""}:`;
const keyOf = (name, window = here) => `${person()}${name}:${window}`;
const heardOf = (name) => `${HEARD}${person()}${name}`;

function parse(raw) {
  try {
    return raw ? JSON.parse(raw) : null;
  } catch {
    return null;
  }
}

/** Those whose key begins so, the newest first. `name` of the draft, `window` that it was typed in; neither holds a colon. */
function copies(prefix = person()) {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  const found = keys.map((key) => {
    const [, , , name, window = ""] = key.split(":");
    return { at: 0, ...parse(localStorage.getItem(key)), key, name, window };
  });
  return found.sort((one, other) => other.at - one.at);
}

export function isCopyOf(key, names) {
  return names.some((name) => key?.startsWith(keyOf(name, "")));
}

/**
 * What the page left that this tab showed before: {key, fields, base, drawn, sent, at, submitted, page, left} or undefined. `base`: what
 * both began with; `drawn`: what the page came with; `sent`: what the server was told since, unheard; `page`: where it is written on;
 * `left`: its page is.
 */
export function ownCopy(names) {
  return copies().find(({ name, window, left, fields }) => names.includes(name) && window === before && left && fields);
}

/** What windows left that are gone, or that left their page. */
export async function leftCopies(names) {
  const there = await living();
  return copies().filter(({ name, window, left, fields }) => names.includes(name) && fields && window !== here && (left || !there.has(window)));
}

/** Those that are written on below the address, except what is open in another window. */
export async function draftsBelow(address) {
  const there = await living();
  return copies().filter(({ page, window, left }) => page?.startsWith(address) && (left || window === here || !there.has(window)));
}

/** Returns whether the browser could keep it (storage may be full or forbidden). */
export function writeDraft(name, draft, window = here) {
  try {
    localStorage.setItem(keyOf(name, window), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function removeCopy({ key }) {
  localStorage.removeItem(key);
}

/** What this window keeps of it, or the one that is named. */
export function removeDraft(name, window = here) {
  localStorage.removeItem(keyOf(name, window));
  sessionStorage.removeItem(heardOf(name));
}

/** This page says that it was submitted on the one before. */
export function submittedBefore(name) {
  removeDraft(name, before);
}

/** Its page is left, or is there again. */
export function markLeft(left) {
  for (const { key, name, window, ...copy } of copies()) if (window === here) writeDraft(name, { ...copy, left });
}

/** Acknowledged, it is no longer unsent; but a page that was asked for a moment before may still come without it. */
export function settleDraft(name, draft) {
  localStorage.removeItem(keyOf(name));
  try {
    sessionStorage.setItem(heardOf(name), JSON.stringify(draft));
  } catch { /* storage is full: then that page comes without it */ }
}

export function readSettled(name) {
  return parse(sessionStorage.getItem(heardOf(name)));
}

export function hasUnsentDrafts() {
  return copies().some(({ submitted }) => !submitted);
}

/** Of this person: what somebody else left here is theirs. */
export function clearDrafts() {
  copies().forEach(removeCopy);
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(HEARD)) sessionStorage.removeItem(key);
}

/** Text that nobody came back for: submitted copies after a day, others after thirty, and of one draft those beyond the newest twenty. */
export function pruneDrafts(now = Date.now()) {
  const counts = {};
  for (const copy of copies(PREFIX)) {
    const draft = copy.key.slice(0, copy.key.length - copy.window.length);
    counts[draft] = (counts[draft] ?? 0) + 1;
    if (now - copy.at > (copy.submitted ? DAY : 30 * DAY) || counts[draft] > MOST) removeCopy(copy);
  }
}
