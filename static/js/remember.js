/**
 * <form data-remember> of which the server keeps no draft: what is typed is kept on this computer, and offered to the same person again until
 * the form comes with just that: it was saved then, whatever answered the sending.
 */
import { showLeft } from "./autosave_panel.js";
import { behave } from "./behaviour.js";
import { leftCopies, removeCopy, removeDraft, writeDraft } from "./drafts.js";
import { apply, sameFields, serialize } from "./serialize.js";
import { text } from "./texts.js";
import { here, stay } from "./windows.js";

/** The server keeps no blanks around a text. */
function sameWords(one, other) {
  const trimmed = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.trim?.() ?? value]));
  return sameFields(trimmed(one), trimmed(other));
}

function remember(form) {
  const name = `form-${new URL(form.action).pathname}`;
  const drawn = serialize(form);
  const keep = (fields = serialize(form), window = here, left = false) => writeDraft(name, { fields, at: Date.now(), left }, window);
  form.addEventListener("input", () => {
    stay();
    if (sameFields(serialize(form), drawn)) removeDraft(name);
    else keep();
  });
  if (form.querySelector('[aria-invalid="true"], [role="alert"]')) keep(); // it was refused, and stands nowhere but here

  const offer = async () => {
    const fresh = ({ fields }) => !sameWords(fields, serialize(form)) && !sameWords(fields, drawn);
    const found = await leftCopies([name]);
    found.filter((copy) => !fresh(copy)).forEach(removeCopy);
    showLeft(form, found.filter(fresh), drawn, take, (copy) => { removeCopy(copy); offer(); }, (time) => text("typed-before", { time }));
  };
  const take = (copy) => {
    const stood = serialize(form);
    if (!sameFields(stood, drawn)) keep(stood, `${here}-${Date.now().toString(36)}`, true); // neither is lost
    removeCopy(copy);
    apply(form, copy.fields);
    form.dispatchEvent(new Event("input", { bubbles: true }));
    offer();
  };
  offer();
}

export function startRemember() {
  behave("form[data-remember]", remember);
}
