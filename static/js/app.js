/** What every page starts. A behaviour finds its elements by data attributes; docs/frontend.md lists them. */
import { startAutosave } from "./autosave.js";
import { startChat } from "./chat.js";
import { startCopy } from "./copy.js";
import { startFindings } from "./findings.js";
import { startForms } from "./forms.js";
import { startLive } from "./live.js";
import { startMenus } from "./menus.js";
import { startOutbox } from "./outbox.js";
import { startRemember } from "./remember.js";
import { startShortcuts } from "./shortcuts.js";
import { startTheme } from "./theme.js";

startTheme();
startMenus();
startAutosave();
startForms();
startShortcuts();
startFindings();
startChat();
startCopy();
startLive();
startOutbox();
startRemember();
document.documentElement.setAttribute("data-script", "");
