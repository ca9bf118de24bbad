/**
 * What scripts send to the server, with the CSRF header that htmx also sends (the token stands once, on <body hx-headers>). A request
 * that hears nothing for half a minute, as on a network that hangs, counts as unanswered.
 */
const UNANSWERED_MS = 30_000;
const UNREACHED_MS = 6_000;

export function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
}

/** Write something. Whoever signed in again in another tab has another token by now: what is refused is tried again with that one. 401 when
 * nobody, or somebody else, is signed in here meanwhile. */
export async function post(url, { headers = {}, ...options } = {}) {
  const once = () => fetch(url, {
    method: "POST", credentials: "same-origin", signal: AbortSignal.timeout(UNANSWERED_MS), ...options,
    headers: { Accept: "application/json", ...headers, ...csrfHeaders() },
  });
  const response = await once();
  if (response.status !== 403) return response;
  return (await renewed()) ? once() : new Response(null, { status: 401 });
}

export function postJson(url, data, { keepalive = false } = {}) {
  return post(url, { method: "POST", keepalive, headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
}

/** Take the token of a fresh page, if that is still the same person's; says whether it is. */
async function renewed() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const { body } = new DOMParser().parseFromString(await response.text(), "text/html");
  if (body.dataset.user !== document.body.dataset.user) return false;
  document.body.setAttribute("hx-headers", body.getAttribute("hx-headers"));
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = csrfHeaders()["X-CSRFToken"];
  return true;
}

/** Whether the server answers at all, asked of the file that this is. */
export async function reached() {
  if (!navigator.onLine) return false;
  const asked = fetch(import.meta.url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(UNREACHED_MS) });
  return asked.then((response) => response.status < 500, () => false);
}

/** Whether an answer is what was asked for. Signed out, it is the login page, even where JSON was wanted. */
export function isGood(response) {
  return Boolean(response?.ok) && !isSignedOut(response);
}

/** A login page answered instead of JSON means that the session has ended. */
export function isSignedOut(response) {
  return response.status === 401 || (response.redirected && response.url.includes("/accounts/login"));
}
