/** A page that holds a work item keeps its hold while it is open and seen, and somebody is there: <… data-renew="URL">. */
import { behave } from "./behaviour.js";
import { postJson } from "./http.js";

const MINUTES = 5;
const AWAY_MINUTES = 15; // without a key, a touch or a move, what is held is for others
let there = Date.now();
for (const sign of ["keydown", "pointerdown", "pointermove", "scroll"]) window.addEventListener(sign, () => { there = Date.now(); }, { passive: true, capture: true });

function renew(element) {
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (document.visibilityState === "visible" && Date.now() - there < AWAY_MINUTES * 60_000) postJson(element.dataset.renew, {}).catch(() => {});
  }, MINUTES * 60_000);
}

behave("[data-renew]", renew);
