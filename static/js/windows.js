/**
 * This window, from when its page is loaded until it is left, by a name of its own: what it saves and keeps on this computer is told apart
 * by it. A duplicated tab has a page of its own, and so another name.
 */
const TAB = "apprentice:window";
const LOCK = "apprentice:window:";

export const here = [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("-");
/** The page that this tab showed before this one. */
export const before = sessionStorage.getItem(TAB) ?? "";
sessionStorage.setItem(TAB, here);

let known = false;

/** From now on other windows know that this one is there. */
export function stay() {
  if (known) return;
  known = true;
  navigator.locks?.request(LOCK + here, () => new Promise(() => {})).catch(() => {});
}

/** The names of the windows that are there. Where the browser cannot tell (it can on https and on this machine), it is none. */
export async function living() {
  const { held } = (await navigator.locks?.query()) ?? { held: [] };
  return new Set([here, ...held.map(({ name }) => name).filter((name) => name.startsWith(LOCK)).map((name) => name.slice(LOCK.length))]);
}
