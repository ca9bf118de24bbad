/** From what other programs put on the clipboard to Markdown: paragraphs, lists, tables, emphasis, links; nothing else survives. */
const BLOCKS = new Set(["P", "DIV", "SECTION", "ARTICLE", "HEADER", "FOOTER", "MAIN", "BLOCKQUOTE", "PRE", "UL", "OL", "LI", "TABLE", "H1", "H2", "H3", "H4", "H5", "H6", "DL", "DT", "DD", "FIGURE", "HR"]);
const SILENT = new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "META", "LINK", "TEMPLATE", "NOSCRIPT", "SVG", "IMG", "OBJECT", "IFRAME", "BUTTON", "INPUT", "SELECT", "TEXTAREA"]);
const WORD_LIST = /mso-list:\s*\w+\s+level(\d+)/i;

function markdownOfHtml(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html"); // inert: nothing in it is loaded or run
  return tidy(blocks(parsed.body, 0));
}

function tidy(text) {
  return text.replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").replace(/^\n+|\n+$/g, "");
}

function blocks(node, depth) {
  let out = "";
  let line = "";
  const flush = () => { if (line.trim()) out += `${narrow(line)}\n\n`; line = ""; };
  for (const child of node.childNodes) {
    if (child.nodeType === Node.ELEMENT_NODE && !SILENT.has(child.nodeName) && (BLOCKS.has(child.nodeName) || child.querySelector?.("p, div, ul, ol, table, h1, h2, h3, h4, h5, h6, pre, blockquote"))) {
      flush();
      out += block(child, depth);
    } else line += inline(child);
  }
  flush();
  return out;
}

function block(element, depth) {
  const name = element.nodeName;
  if (/^H[1-6]$/.test(name)) return `${"#".repeat(Number(name[1]))} ${flat(element)}\n\n`;
  if (name === "UL" || name === "OL") return `${list(element, depth)}${depth ? "" : "\n"}`;
  if (name === "TABLE") return `${table(rowsOf(element))}\n\n`;
  if (name === "PRE") return `\`\`\`\n${element.textContent.replace(/\n$/, "")}\n\`\`\`\n\n`;
  if (name === "HR") return "---\n\n";
  if (name === "BLOCKQUOTE") return `${tidy(blocks(element, depth)).split("\n").map((row) => `> ${row}`.trimEnd()).join("\n")}\n\n`;
  const level = name === "P" && (element.getAttribute("style") ?? "").match(WORD_LIST);
  if (level) return wordItem(element, Number(level[1]));
  return blocks(element, depth);
}

/** A word processor writes a list as paragraphs whose first span holds the bullet or the number. */
function wordItem(element, level) {
  const copy = element.cloneNode(true);
  const sign = [...copy.querySelectorAll("span")].find((span) => /mso-list:\s*Ignore/i.test(span.getAttribute("style") ?? ""));
  const number = sign?.textContent.trim().match(/^(\d+)[.)]/);
  sign?.remove();
  const last = !WORD_LIST.test(element.nextElementSibling?.getAttribute("style") ?? "");
  return `${"  ".repeat(level - 1)}${number ? `${number[1]}.` : "-"} ${flat(copy)}\n${last ? "\n" : ""}`;
}

function list(element, depth) {
  let number = Number(element.getAttribute("start") ?? 1);
  let out = "";
  for (const item of element.children) {
    if (item.nodeName === "UL" || item.nodeName === "OL") out += list(item, depth + 1);
    if (item.nodeName !== "LI") continue;
    const sign = element.nodeName === "OL" ? `${number++}.` : "-";
    const nested = [...item.querySelectorAll(":scope > ul, :scope > ol, :scope > p > ul, :scope > p > ol")];
    const copy = item.cloneNode(true);
    copy.querySelectorAll(":scope > ul, :scope > ol, :scope > p > ul, :scope > p > ol").forEach((inner) => inner.remove());
    const indent = "  ".repeat(depth);
    out += `${indent}${sign} ${tidy(blocks(copy, depth)).replace(/\n+/g, `\n${indent}  `)}\n`;
    for (const inner of nested) out += list(inner, depth + 1);
  }
  return out;
}

function rowsOf(element) {
  return [...element.querySelectorAll("tr")].filter((row) => row.closest("table") === element).map((row) => [...row.children].flatMap((cell) => {
    const span = Math.min(Number(cell.getAttribute("colspan") ?? 1) || 1, 50);
    return [flat(cell), ...Array(span - 1).fill("")];
  }));
}

function table(rows) {
  const width = Math.max(0, ...rows.map((row) => row.length));
  if (width === 0) return "";
  if (width === 1) return rows.map((row) => row[0] ?? "").join("\n\n");
  const line = (cells) => `| ${Array.from({ length: width }, (_, at) => (cells[at] ?? "").replace(/\|/g, "\\|").replace(/\s*\n\s*/g, " ")).join(" | ")} |`;
  const [head, ...body] = rows;
  return [line(head), `|${" --- |".repeat(width)}`, ...body.map(line)].join("\n");
}

function flat(element) {
  return narrow([...element.childNodes].map(inline).join("")).replace(/\s*\n\s*/g, " ");
}

function narrow(line) {
  return line.replace(/[ \u00a0]+/g, " ").replace(/ ?\n ?/g, "\n").trim();
}

function inline(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent.replace(/[ \t\r\n]+/g, " ");
  if (node.nodeType !== Node.ELEMENT_NODE || SILENT.has(node.nodeName)) return "";
  if (node.nodeName === "BR") return "\n";
  const inner = [...node.childNodes].map(inline).join("");
  const style = node.getAttribute("style") ?? "";
  if (!inner.trim()) return inner;
  if (["B", "STRONG"].includes(node.nodeName) && !/font-weight:\s*(normal|400)/i.test(style)) return around(inner, "**");
  if (["I", "EM"].includes(node.nodeName) && !/font-style:\s*normal/i.test(style)) return around(inner, "*");
  if (node.nodeName === "CODE") return around(inner, "`");
  const target = node.nodeName === "A" ? node.getAttribute("href") ?? "" : "";
  return /^https?:\/\//i.test(target) && target !== inner.trim() ? `[${inner.trim()}](${target})` : inner;
}

function around(text, sign) {
  const [, before, words, after] = text.match(/^(\s*)([\s\S]*?)(\s*)$/);
  return `${before}${sign}${words}${sign}${after}`;
}

/** Cells of a spreadsheet as plain text: tabs between cells, cells with line ends in quotes. null when it is no such thing. */
function rowsOfTsv(text) {
  if (!text.includes("\t")) return null;
  const rows = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\n|$)/gy;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  for (let found = cell.exec(source); found; found = cell.exec(source)) {
    rows.at(-1).push((found[1]?.replace(/""/g, '"') ?? found[2]).trim());
    if (found[3] === "") break;
    if (found[3] === "\n") rows.push([]);
  }
  const width = rows[0].length;
  return width > 1 && rows.every((row) => row.length === width) ? rows : null;
}

const SENTENCE_END = /[.!?:;…"”’»)\]]$/;
const ITEM = /^\s*(?:[-*•‣▪◦–]|\d{1,3}[.)]|[a-z][.)])\s+/;

/** Text out of a PDF: words cut at line ends are joined, lines of a paragraph become one, bullets become list items. */
function repairLines(text) {
  const source = text.replace(/\r\n?/g, "\n").replace(/\u00ad\n?/g, "").replace(/(\p{Ll})[-\u2010]\n(\p{Ll})/gu, "$1$2");
  return source.split(/\n[ \t]*\n+/).map((paragraph) => repairParagraph(paragraph.split("\n"))).join("\n\n");
}

function repairParagraph(rows) {
  if (!isWrapped(rows)) return rows.map(bullet).join("\n");
  const out = [];
  for (const row of rows.map((one) => one.trim())) {
    if (out.length === 0 || ITEM.test(row)) out.push(bullet(row));
    else out[out.length - 1] += ` ${row}`;
  }
  return out.join("\n");
}

/** Lines broken for the width of a page: long, about equally so, and not ending where sentences end. */
function isWrapped(rows) {
  const full = rows.slice(0, -1).filter((row) => !ITEM.test(rows[rows.indexOf(row) + 1] ?? ""));
  if (full.length === 0) return false;
  const lengths = full.map((row) => row.trim().length);
  const longest = Math.max(...rows.map((row) => row.trim().length));
  const open = full.filter((row) => !SENTENCE_END.test(row.trim())).length;
  return longest >= 45 && Math.min(...lengths) > longest * 0.6 && open >= full.length / 2;
}

function bullet(row) {
  return row.replace(/^(\s*)[•‣▪◦–]\s+/, "$1- ");
}

/** The clipboard as Markdown. Its HTML is taken only when it holds more than words: pasting plain text stays possible. */
export function converted(html, plain) {
  if (html && /<(p|div|li|ul|ol|table|h[1-6]|br|pre|blockquote)\b/i.test(html)) {
    const found = markdownOfHtml(html);
    if (found) return found;
  }
  const rows = rowsOfTsv(plain);
  return rows ? table(rows) : repairLines(plain);
}
