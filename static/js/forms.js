/** A second click on a submit button does nothing while the first is on its way. */
export function startForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get") return;
    if (form.hasAttribute("data-sent")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.setAttribute("data-sent", "");
    // not `disabled`: a disabled button's name and value would not be sent
    event.submitter?.setAttribute("aria-disabled", "true");
    event.submitter?.setAttribute("data-busy", "");
  });

  const release = (form) => {
    form.removeAttribute?.("data-sent");
    for (const button of form.querySelectorAll?.("[data-busy]") ?? []) {
      button.removeAttribute("data-busy");
      button.removeAttribute("aria-disabled");
    }
  };
  document.addEventListener("htmx:afterRequest", (event) => release(event.detail.elt));
  // back from another page, or a download that never leaves this one
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));
  document.addEventListener("click", (event) => {
    const form = event.target.closest?.("form[data-download]");
    if (form) setTimeout(() => release(form), 2000);
  });

  // data-when="kind tag untag": this field is there while the choice called `kind` is one of these
  const fit = (form) => {
    for (const input of form.querySelectorAll("[data-when]")) {
      const [name, ...values] = input.dataset.when.split(" ");
      input.closest(".field").hidden = !values.includes(form.elements[name].value);
    }
  };
  document.querySelectorAll("form:has([data-when])").forEach(fit);
  window.addEventListener("pageshow", () => document.querySelectorAll("form:has([data-when])").forEach(fit));
  document.addEventListener("change", (event) => {
    if (event.target.form) fit(event.target.form);
  });

  // data-submit-on-change: a filter form that has a button for those without script
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit-on-change]")) event.target.form?.requestSubmit();
  });
}
