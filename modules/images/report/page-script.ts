// The script of the page: it filters and sorts the rows that are there. It makes no markup of
// texts, and the page is complete without it.
export const pageScript = `
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId('images'), filter = byId('filter'), order = byId('order'), count = byId('count');
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const headings = [...table.tHead.rows[0].cells];
  let descending = false;

  const show = () => {
    const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    count.textContent = shown + ' of ' + rows.length;
  };

  const collator = new Intl.Collator('en', { numeric: true });
  const sort = () => {
    const column = Number(order.value);
    const key = (row) => row.cells[column].dataset.order;
    const isNumeric = column === 2 || column === 3;
    const compare = (one, other) => (isNumeric ? one - other : collator.compare(one, other));
    const sorted = rows.map(({ row }) => row).sort((one, other) => compare(key(one), key(other)));
    if (descending) sorted.reverse();
    body.append(...sorted);
    headings.forEach((heading, index) => {
      if (index === column) heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else heading.removeAttribute('aria-sort');
    });
  };

  headings.forEach((heading, index) => {
    const title = heading.querySelector('.title');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = title.textContent;
    button.addEventListener('click', () => {
      descending = heading.getAttribute('aria-sort') === 'ascending';
      order.value = String(index);
      sort();
    });
    title.replaceWith(button);
  });
  filter.addEventListener('input', show);
  order.addEventListener('change', () => { descending = false; sort(); });
  byId('direction').addEventListener('click', () => { descending = !descending; sort(); });
  byId('tools').hidden = false;
  show();
})();
`;
