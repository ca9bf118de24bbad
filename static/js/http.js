/** fetch with the CSRF header that htmx also sends (the token stands once, on <body hx-headers>). */
export function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
}

export function postJson(url, data, { method = "POST", signal, keepalive = false } = {}) {
  return fetch(url, {
    method,
    signal,
    keepalive,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...csrfHeaders() },
    body: JSON.stringify(data),
  });
}

/** Whether an answer is what was asked for. Signed out, it is the login page, even where JSON was wanted. */
export function isGood(response) {
  return Boolean(response?.ok) && !isSignedOut(response);
}

/** A login page answered instead of JSON means that the session has ended. */
export function isSignedOut(response) {
  return response.status === 401 || (response.redirected && response.url.includes("/accounts/login"));
}
