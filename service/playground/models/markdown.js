// The Markdown of model cards as elements: headings, paragraphs, lists, tables, code, links.

import { element } from "../shared/dom.js";

/** Return the elements of a text. @param {string} text */
export function rendered(text) {
  const blocks = text.replace(/\r/g, "").split(/\n{2,}/);
  const made = blocks.filter((each) => each.trim()).map(block);
  const tables = made.filter((each) => each.getAttribute("role") === "region");
  tables.forEach((each, index) => each.setAttribute("aria-label", `Table ${index + 1}`));
  return made;
}

function block(text) {
  const lines = text.trim().split("\n");
  const [, marks, heading] = /^(#{1,6}) (.*)$/.exec(lines[0]) ?? [];
  if (marks) return element(`h${Math.min(6, marks.length + 1)}`, {}, ...inline(heading));
  if (lines.every((line) => line.startsWith("|"))) return table(lines);
  if (lines[0].startsWith("- ")) {
    const items = text.trim().split(/\n?^- /m).filter(Boolean);
    return element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item))));
  }
  return element("p", {}, ...inline(lines.join(" ")));
}

function table(lines) {
  const [head, , ...rows] = lines.map((line) => line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/));
  const cells = (kind, row) => element("tr", {}, ...row.map((each) => element(kind, {}, ...inline(each.trim()))));
  return element(
    "div",
    { className: "wide-table", tabIndex: 0, role: "region" },
    element("table", {}, element("thead", {}, cells("th", head)), element("tbody", {}, ...rows.map((row) => cells("td", row)))),
  );
}

/** Return the nodes of a line: `code`, **bold** and [links](https://...). */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)]+\))/).filter(Boolean).map((part) => {
    if (part.startsWith("`")) return element("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return element("strong", {}, part.slice(2, -2));
    const [, name, href] = /^\[([^\]]+)\]\((.*)\)$/.exec(part) ?? [];
    return href ? element("a", { href }, name) : part;
  });
}
