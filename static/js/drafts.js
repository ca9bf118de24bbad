/** Copies of unsaved text on this computer, kept until the server has acknowledged them. One entry a draft, per person. */
const PREFIX = "apprentice:draft:";
const HEARD = "apprentice:heard:"; // what this tab sent and the server has acknowledged
const DAY = 24 * 3600 * 1000;

function keyOf(name) {
  return `${PREFIX}${document.body.dataset.user ?? ""}:${name}`;
}

function keys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

function parse(raw) {
  try {
    return raw ? JSON.parse(raw) : null;
  } catch {
    return null;
  }
}

/** @returns {{fields: object, base: object, sent: object[], at: number, submitted: boolean, page: string} | null} `base`: what
 * both began with; `sent`: what the server was told since, unheard; `page`: where it is written on. */
export function readDraft(name) {
  return parse(localStorage.getItem(keyOf(name)));
}

/** Returns whether the browser could keep it (storage may be full or forbidden). */
export function writeDraft(name, draft) {
  try {
    localStorage.setItem(keyOf(name), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function removeDraft(name) {
  localStorage.removeItem(keyOf(name));
  sessionStorage.removeItem(HEARD + keyOf(name));
}

/** Acknowledged, it is no longer unsent; but a page that was asked for a moment before may still come without it. */
export function settleDraft(name, draft) {
  localStorage.removeItem(keyOf(name));
  try {
    sessionStorage.setItem(HEARD + keyOf(name), JSON.stringify(draft));
  } catch { /* storage is full: then that page comes without it */ }
}

export function readSettled(name) {
  return parse(sessionStorage.getItem(HEARD + keyOf(name)));
}

/** Those of this person that are written on below the address, the newest first. */
export function draftsBelow(address) {
  const drafts = keys().filter((key) => key.startsWith(keyOf(""))).map((key) => parse(localStorage.getItem(key)));
  return drafts.filter((draft) => draft?.page?.startsWith(address)).sort((one, other) => other.at - one.at);
}

export function hasUnsentDrafts() {
  return keys().some((key) => !parse(localStorage.getItem(key))?.submitted);
}

export function clearDrafts() {
  for (const key of keys()) localStorage.removeItem(key);
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(HEARD)) sessionStorage.removeItem(key);
}

/** Text that nobody came back for: submitted copies after a day, others after thirty. */
export function pruneDrafts(now = Date.now()) {
  for (const key of keys()) {
    const draft = parse(localStorage.getItem(key));
    if (!draft || now - draft.at > (draft.submitted ? DAY : 30 * DAY)) localStorage.removeItem(key);
  }
}
