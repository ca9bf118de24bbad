/** A page that holds a work item keeps its hold while it is open and seen: <… data-renew="URL">. */
import { behave } from "./behaviour.js";
import { postJson } from "./http.js";

const MINUTES = 5;

function renew(element) {
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (document.visibilityState === "visible") postJson(element.dataset.renew, {}).catch(() => {});
  }, MINUTES * 60_000);
}

behave("[data-renew]", renew);
