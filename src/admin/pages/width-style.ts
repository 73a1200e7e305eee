import { html } from '../../pages/html.js'

/** The rules of the admin pages that depend on the width of the window, and on its colors. */
export const widthStyle = html`
@media (max-width: 47.99rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { padding: .75rem 1rem; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  td { display: flex; gap: 1rem; padding: .1875rem 0; border: 0; text-align: start; }
  td::before { content: attr(data-label); flex: none; width: 6.5rem; color: var(--quiet); font-size: .875rem; }
  td:first-child { padding-bottom: .375rem; }
  td:first-child::before, td.end::before { content: none; }
  td.end { padding-top: .5rem; }
  td.number { text-align: start; }
  .settings td:first-child { width: auto; }
}
@media (max-width: 29.99rem) { .me .avatar { display: none; } }
@media (min-width: 30rem) {
  .chart.wide { display: block; } .chart.tall { display: none; }
  .search { width: 24rem; }
  .search input { font-size: .9375rem; }
}
@media (min-width: 48rem) {
  td { overflow-wrap: break-word; }
  td time { white-space: nowrap; }
  td:first-child { width: 28%; min-width: 11rem; max-width: 0; }
  :is(.columns-4, .columns-5) td:first-child { width: 40%; }
  .log td:first-child { width: 24%; }
  .log td:nth-child(3) { width: 32%; }
  .names > * { -webkit-line-clamp: 1; overflow-wrap: anywhere; }
  .device { min-width: 9rem; }
  .device .names > *, .address > * { -webkit-line-clamp: 2; }
  .address { min-width: 8rem; }
}
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
  .top { border: 0; border-inline-end: 1px solid var(--line); }
  .rail { position: sticky; top: 0; display: flex; flex-direction: column; height: 100vh; height: 100dvh; padding: .75rem; overflow-y: auto; }
  .bar { display: contents; }
  .home { padding: .5rem .625rem 1rem; }
  .menu { flex-direction: column; padding: 0; overflow: visible; }
  .menu a { padding: .4375rem .625rem; border: 0; border-radius: .5rem; white-space: normal; }
  .menu a:hover { background: var(--hover); }
  .menu a[aria-current] { background: var(--lock); }
  .menu svg { display: block; }
  .nav { order: 1; }
  .me { order: 2; margin-top: auto; padding: .75rem .625rem .25rem; flex-wrap: wrap; }
  .me .names { display: grid; flex: 1; }
  .me .button { width: 100%; }
  main { padding: 2rem 2.5rem 4rem; width: 100%; }
}
@media (min-width: 48rem) {
  @container (max-width: 64.99rem) { .from-wide { display: none; } }
  @container (max-width: 53.99rem) { th, td { padding-inline: .75rem; } .from-medium { display: none; } }
}
@media (forced-colors: active) {
  .badge, .avatar { border: 1px solid; }
  .menu a[aria-current] { outline: 1px solid; }
  .chart .bar-past, .chart .bar-now { fill: CanvasText; }
}
@media print { .top, .search, .buttons, .pagination, .end { display: none; } }
`
