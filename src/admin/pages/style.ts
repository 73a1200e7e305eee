import { html } from '../../pages/html.js'
import { colorRules } from '../../pages/style.js'

/** The style sheet of the admin pages, inlined under the nonce of the page's policy. */
export const adminStyle = html`${colorRules}
:root {
  --row: #f9fafb; --bar: #c3cad6; --bar-now: var(--action); --danger: #b3261e; --on-danger: #fff; --danger-hover: #8f1d17;
  --t0: #e3e9fb; --t0i: #2f4a9e; --t1: #e0f0e6; --t1i: #1f6140; --t2: #fbe9dc; --t2i: #8a4212;
  --t3: #f0e4f7; --t3i: #6b3a8c; --t4: #fbe4ea; --t4i: #96284a; --t5: #def0f3; --t5i: #175d6b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --row: #1b1e23; --bar: #414a57; --danger: #f2b8b5; --on-danger: #430b08; --danger-hover: #ffd5d2;
    --t0: #24305c; --t0i: #bfcdfb; --t1: #173a29; --t1i: #a3dfbf; --t2: #47290f; --t2i: #f6c39c;
    --t3: #3c2350; --t3i: #dfbcf4; --t4: #4d1a2a; --t4i: #f7b3c6; --t5: #10383f; --t5i: #9adbe7;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  min-height: 100vh; min-height: 100dvh; margin: 0; background: var(--ground); color: var(--ink);
  font: .9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: .2em; }
:is(a, button, input, summary):focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .25rem; }
main:focus { outline: 0; }
.quiet { color: var(--quiet); }
.hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; border: 0;
  clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; inset-inline-start: .75rem; top: -4rem; z-index: 1; padding: .5rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.skip:focus { top: .75rem; }
code, .mono { font: .9375em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }

/* The frame */
.top { background: var(--card); border-bottom: 1px solid var(--line); }
.home, .me { display: flex; align-items: center; gap: .625rem; padding: .75rem 1rem; min-width: 0; }
.home { color: inherit; font-weight: 650; text-decoration: none; }
.home svg { flex: none; width: 1.5rem; height: 1.5rem; padding: .25rem; border-radius: .375rem; background: var(--action); color: var(--on-action); }
.home .quiet { font-weight: 400; }
.bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem; }
.me { font-size: .875rem; }
.me .names { display: none; }
.menu { display: flex; gap: .125rem; margin: 0; padding: 0 .5rem; overflow-x: auto; list-style: none; scrollbar-width: none; }
.menu a { display: flex; align-items: center; gap: .625rem; padding: .5rem .625rem .625rem; color: var(--quiet); text-decoration: none; white-space: nowrap; border-bottom: 2px solid transparent; outline-offset: -3px; }
.menu a:hover { color: var(--ink); }
.menu a[aria-current] { color: var(--ink); border-bottom-color: var(--ink); font-weight: 550; }
.menu svg { display: none; flex: none; width: 1.125rem; height: 1.125rem; }
main { padding: 1.25rem 1rem 3rem; max-width: 76rem; }
.crumbs { margin: 0 0 .375rem; font-size: .875rem; }
.crumbs ol { display: flex; flex-wrap: wrap; gap: .25rem; margin: 0; padding: 0; list-style: none; }
.crumbs li + li::before { content: "/"; margin-inline-end: .25rem; color: var(--quiet); }
.crumbs a { color: var(--quiet); text-decoration: none; }
.crumbs a:hover { color: var(--ink); text-decoration: underline; }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .75rem 1.5rem; margin: 0 0 1.25rem; }
.lead { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; min-width: 0; }
h1 { margin: 0; min-width: 0; font-size: 1.375rem; font-weight: 650; line-height: 1.3; letter-spacing: -.01em; }
h2 { margin: 0; font-size: 1rem; font-weight: 600; line-height: 1.4; }
p { margin: 0; text-wrap: pretty; }
section + section, .card + .card, .card + section, section + .card, .tiles + * { margin-top: 1.5rem; }
section > h2, .sectionhead { margin-bottom: .75rem; }
.sectionhead { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem; }
.sectionhead h2 { margin: 0; }
.card { padding: 1.125rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; box-shadow: 0 1px 2px #0000000a; }
.flush { padding: 0; overflow: auto; container-type: inline-size; }
.note { display: flex; gap: .625rem; align-items: flex-start; margin: 0 0 1.25rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--card); }
.note svg { flex: none; width: 1.25rem; height: 1.25rem; margin-top: .125rem; }
.note.good { background: var(--done); color: var(--on-done); border-color: transparent; }
.note.bad { background: var(--stop); color: var(--on-stop); border-color: transparent; }
.empty { padding: 3rem 1.5rem; text-align: center; }
.empty h2 { margin-bottom: .25rem; }
.narrow { max-width: 36rem; }
.narrow p + p, .narrow p + .card { margin-top: .75rem; }
`

/** Continues {@link adminStyle}. */
export const partStyle = html`
/* Buttons and forms */
.button {
  display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-height: 2.25rem; padding: .3125rem .875rem;
  border: 1px solid var(--line); border-radius: .5rem; background: var(--card); color: var(--ink);
  font: inherit; font-size: .875rem; font-weight: 550; line-height: 1.3; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--hover); }
.button:is(:focus-visible) { border-radius: .5rem; }
.primary { border-color: var(--action-line); background: var(--action); color: var(--on-action); }
.primary:hover { background: var(--action-hover); }
.danger { color: var(--danger); }
.danger.solid { border-color: transparent; background: var(--danger); color: var(--on-danger); }
.danger.solid:hover { background: var(--danger-hover); }
.buttons { display: flex; flex-wrap: wrap; gap: .625rem; margin-top: 1.25rem; }
.head .buttons { margin: 0; }
.small { min-height: 1.875rem; padding: .1875rem .625rem; font-size: .8125rem; }
.search { display: flex; gap: .5rem; width: 100%; }
.search input {
  flex: 1; min-width: 0; min-height: 2.25rem; padding: .3125rem .75rem; border: 1px solid var(--button-line); border-radius: .5rem;
  background: var(--card); color: var(--ink); font: inherit; font-size: 1rem;
}
.search input::placeholder { color: var(--quiet); opacity: 1; }
.pagination { display: flex; justify-content: flex-end; gap: .5rem; margin-top: 1rem; }

/* People, badges */
.person { display: flex; align-items: center; gap: .75rem; min-width: 0; }
.names { display: grid; min-width: 0; line-height: 1.4; }
.names > * { overflow: hidden; text-overflow: ellipsis; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
.names.all > * { display: block; overflow: visible; }
.more { margin-top: 1rem; }
.lead-in { margin-bottom: .75rem; }
.choices { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1.25rem; padding: 0; list-style: none; }
.choices a { display: block; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--card); color: var(--quiet); font-size: .875rem; text-decoration: none; }
.choices a[aria-current] { border-color: var(--ink); color: var(--ink); font-weight: 550; }
.names .quiet { font-size: .875rem; }
.name { color: var(--ink); font-weight: 550; text-decoration: none; }
a.name:hover { text-decoration: underline; }
.avatar { display: grid; flex: none; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: 50%; overflow: hidden; font-size: .8125rem; font-weight: 600; line-height: 1; }
.avatar.large { width: 3.25rem; height: 3.25rem; font-size: 1.125rem; }
.tone-0 { background: var(--t0); color: var(--t0i); } .tone-1 { background: var(--t1); color: var(--t1i); }
.tone-2 { background: var(--t2); color: var(--t2i); } .tone-3 { background: var(--t3); color: var(--t3i); }
.tone-4 { background: var(--t4); color: var(--t4i); } .tone-5 { background: var(--t5); color: var(--t5i); }
.badge { display: inline-block; padding: .0625rem .5rem; border-radius: 1rem; font-size: .8125rem; font-weight: 550; white-space: nowrap; }
.badge.good { background: var(--done); color: var(--on-done); }
.badge.bad { background: var(--stop); color: var(--on-stop); }
.badge.plain { background: var(--lock); color: var(--on-lock); }
.device { display: flex; align-items: center; gap: .75rem; min-width: 0; }
.device svg { flex: none; width: 1.375rem; height: 1.375rem; color: var(--quiet); }

/* Tables */
table { width: 100%; border-collapse: collapse; }
th { font-weight: 500; font-size: .8125rem; color: var(--quiet); text-align: start; }
th, .badge { white-space: nowrap; }
th, td { padding: .625rem 1.125rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: middle; }
th { padding-block: .5rem; background: var(--inset); }
tbody tr:last-child td { border-bottom: 0; }
tbody tr:hover { background: var(--row); }
.end { text-align: end; white-space: nowrap; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: 1rem 1.5rem; margin: 0; }
.facts dt { font-size: .8125rem; color: var(--quiet); }
.facts dd { margin: .125rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); gap: 1rem; margin: 0; }
.tile { margin: 0 !important; }
.tile dt { font-size: .875rem; color: var(--quiet); }
.tile dd { margin: .125rem 0 0; font-size: 1.75rem; font-weight: 650; line-height: 1.25; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.tile dd + dd { font-size: .8125rem; font-weight: 400; letter-spacing: 0; color: var(--quiet); }

/* The chart */
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart.wide { display: none; }
.chart text { fill: var(--quiet); font-size: 12px; paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .bar-past { fill: var(--bar); } .chart .bar-now { fill: var(--bar-now); }
.chart g:hover > path { opacity: .8; }

/* Configuration */
.settings td:first-child { width: 40%; font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.settings td { vertical-align: top; }
ins, del { text-decoration: none; padding: .0625rem .25rem; border-radius: .25rem; }
ins { background: var(--done); color: var(--on-done); }
del { background: var(--stop); color: var(--on-stop); text-decoration: line-through; }
`
