/** The theme changes at once; the form's address sets the cookie that the server reads at the next page. */
import { behave } from "./behaviour.js";
import { csrfHeaders } from "./http.js";

export function startTheme() {
  behave("[data-theme-form]", (form) => {
    form.addEventListener("submit", (event) => {
      const theme = event.submitter?.value;
      if (!theme || !form.getAttribute("action")) return;
      event.preventDefault();
      document.documentElement.dataset.theme = theme;
      for (const button of form.querySelectorAll("[name=theme]")) {
        button.setAttribute("aria-pressed", String(button.value === theme));
      }
      const data = new FormData(form);
      data.set("theme", theme);
      fetch(form.action, { method: "POST", body: data, headers: csrfHeaders(), redirect: "manual" }).catch(() => {});
    });
  });
}
