// Tables that a click on a heading sorts: ascending, descending, and back to the first order.
"use strict";

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const texts = new Intl.Collator("en", { numeric: true });

  function compare(column, direction) {
    return (one, other) => {
      const [a, b] = [one.cells[column], other.cells[column]];
      const [x, y] = [a, b].map((cell) => (cell.dataset.number === undefined ? NaN : Number(cell.dataset.number)));
      const isNumber = headings[column].classList.contains("number");
      // What has no value stays below, whichever way the others run.
      if (isNumber && (Number.isNaN(x) || Number.isNaN(y))) return Number.isNaN(x) - Number.isNaN(y);
      return direction * (isNumber ? x - y : texts.compare(a.textContent, b.textContent));
    };
  }

  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      const order = [...original];
      if (next !== "none") order.sort(compare(column, next === "ascending" ? 1 : -1));
      body.append(...order);
    });
  });
}
