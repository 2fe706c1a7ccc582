// The style of the page: light and dark, a table on a wide screen and cards on a phone. Colours of
// texts keep a contrast of 4.5 to 1, and those of drawings 3 to 1.
export const pageStyle = `
:root {
  --ground: #f5f7f9; --card: #ffffff; --text: #1b2026; --quiet: #515b66; --line: #d3d9e0; --focus: #0b5cad;
  --shown: #2f6fd0; --hidden: #a86200; --bad: #c02030; --now: #1b2026;
  --good-text: #0a5427; --good-back: #def4e4; --news-text: #0a4793; --news-back: #e0ecfe;
  --care-text: #6a4000; --care-back: #fdf0cf; --bad-text: #8c1220; --bad-back: #fde3e5; --plain-text: #414a54;
    --plain-back: #e9edf1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1419; --card: #171e25; --text: #e5eaef; --quiet: #a6b1bd; --line: #35404b; --focus: #7db4ff;
    --shown: #6aa7ff; --hidden: #e0a13c; --bad: #ff7d86; --now: #e5eaef;
    --good-text: #93e2aa; --good-back: #12351f; --news-text: #a9cfff; --news-back: #14304f;
    --care-text: #f3cf82; --care-back: #3a2c0b; --bad-text: #ffb4b8; --bad-back: #4a1a20; --plain-text: #c6cfd9;
      --plain-back: #28313a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem 1.25rem 3rem; background: var(--ground); color: var(--text);
  font: 0.9375rem/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0 0 0.25rem; font-size: 1.5rem; line-height: 1.2; }
h2 { margin: 1.75rem 0 0.5rem; font-size: 1.125rem; }
p { margin: 0.25rem 0; }
ul { margin: 0; padding-left: 1.1em; }
code { font: 0.6875rem/1.4 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--quiet); display: block; }
.quiet { color: var(--quiet); font-size: 0.8125rem; }
.name { font-weight: 600; white-space: pre-wrap; }
.line { display: block; }
.users { list-style: none; padding: 0; font-size: 0.8125rem; }
.fault { color: var(--bad-text); font-size: 0.8125rem; }
.summary { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.75rem 0 0; }
.summary div { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 0.4rem 0.75rem; }
.summary dt { color: var(--quiet); font-size: 0.75rem; }
.summary dd { margin: 0; font-weight: 600; }
.problems, .notes { margin-top: 1rem; border: 1px solid var(--line); border-left: 4px solid var(--hidden);
  border-radius: 6px;
  background: var(--card); padding: 0.25rem 1rem 0.75rem; }
.problems { border-left-color: var(--bad); }
.problems h2, .notes h2 { margin-top: 0.5rem; }
.badge { display: inline-block; border-radius: 4px; padding: 0 0.4em; font-size: 0.75rem; line-height: 1.5;
  font-weight: 600; }
.good { color: var(--good-text); background: var(--good-back); }
.news { color: var(--news-text); background: var(--news-back); }
.care { color: var(--care-text); background: var(--care-back); }
.bad { color: var(--bad-text); background: var(--bad-back); }
.plain { color: var(--plain-text); background: var(--plain-back); }
#tools { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; margin-bottom: 0.5rem; }
#tools[hidden], tr[hidden] { display: none !important; }
input, select, button { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--quiet);
  border-radius: 6px; padding: 0.3rem 0.6rem; min-height: 2.25rem; max-width: 100%; }
input::placeholder { color: var(--quiet); opacity: 1; }
#filter { width: 18rem; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; background: var(--card);
  border: 1px solid var(--line); }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.6rem; border-bottom: 1px solid var(--line);
  font-weight: 400; }
thead th { font-weight: 600; font-size: 0.8125rem; background: var(--ground); vertical-align: bottom; }
thead button { border: 0; padding: 0; min-height: 0; background: none; font-weight: 600; text-align: left;
  cursor: pointer; }
thead button::after { content: " \\2195"; color: var(--quiet); }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
.column-0 { width: 22%; } .column-1 { width: 26%; } .column-2 { width: 7%; }
.column-3 { width: 14%; } .column-4 { width: 16%; } .column-5 { width: 15%; }
.size { white-space: nowrap; }
svg { display: block; overflow: visible; }
svg text { font-size: 10px; fill: var(--quiet); }
.tick { stroke: var(--line); }
.now { stroke: var(--now); stroke-width: 2; }
.shown { fill: var(--shown); background: var(--shown); }
.hidden-stage { fill: var(--hidden); background: var(--hidden); }
.replaced { stroke: var(--text); stroke-dasharray: 2 2; }
.deletion { fill: var(--card); stroke: var(--bad); stroke-width: 2; }
.key { display: inline-block; width: 1.25rem; height: 0.5rem; border-radius: 2px; margin-left: 0.75rem; }
.key:first-child { margin-left: 0; }
.key.replaced { width: 0; height: 0.9rem; border-left: 1px dashed var(--text); border-radius: 0;
  vertical-align: middle; }
.key.deletion { width: 0.65rem; height: 0.65rem; border: 2px solid var(--bad); border-radius: 50%;
  vertical-align: middle; }
.key.now { width: 2px; height: 0.9rem; background: var(--now); border-radius: 0; vertical-align: middle; }
summary { cursor: pointer; color: var(--quiet); font-size: 0.8125rem; }
@media (max-width: 60rem) {
  body { padding: 0.75rem 0.75rem 2rem; }
  #filter { width: 100%; }
  #tools label:first-child { flex: 1 1 100%; }
  table, tbody, tr, th, td { display: block; width: 100%; }
  table { border: 0; background: none; }
  colgroup, thead { display: none; }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-bottom: 0.75rem;
    padding: 0.25rem 0; }
  th, td { border: 0; padding: 0.3rem 0.75rem; }
  td::before { content: attr(data-label); display: block; color: var(--quiet); font-size: 0.75rem; font-weight: 600; }
  td:empty { display: none; }
}
@media print {
  #tools { display: none; }
  tr { break-inside: avoid; }
}
`;
