// Filters and sorts the rows while they are all on the page. The server does both without this script.
"use strict";
(() => {
  const table = document.getElementById("rows");
  const box = document.getElementById("q");
  const served = box.value.trim().toLowerCase(); // what the server has filtered by
  const all = table.hasAttribute("data-all");
  const bodies = () => [...table.tBodies];
  const texts = new Map(bodies().map((body) => [body, body.textContent.toLowerCase()]));

  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [body, text] of texts) {
      body.hidden = !words.every((word) => text.includes(word));
      if (!body.hidden) shown++;
    }
    document.getElementById("count").textContent = shown;
    document.getElementById("none").hidden = shown > 0;
  };

  // The server has to ask for rows that are not on the page. It does so once the typing pauses.
  let waiting;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    if (all && box.value.trim().toLowerCase().startsWith(served)) {
      filter();
    } else {
      waiting = setTimeout(() => box.form.requestSubmit(), 500);
    }
  });

  // What a row does not have comes last in any order, as on the server.
  const valueOf = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = (cell.tagName === "TH" ? cell.querySelector("b") : cell).textContent.trim().toLowerCase();
    return text === "–" || text === "" ? null : text;
  };
  const sort = (column, descending) => {
    const rows = bodies().map((body) => ({ body, value: valueOf(body.rows[0].cells[column]) }));
    rows.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      const order = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
      return descending ? -order : order;
    });
    table.append(...rows.map((row) => row.body));
  };
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const link = head.querySelector("a");
    if (!link || !all) return;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab
      event.preventDefault();
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(column, descending);
    });
  });
})();
