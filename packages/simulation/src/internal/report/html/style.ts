/** The style of the page: light and dark, for phones and desktops. */
export const style = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --panel: #f6f8fa; --ink: #1f2328; --soft: #59636e; --edge: #d1d9e0; --hover: #eaeef2;
  --accent: #0550ae; --control: #6639ba; --quiet: #818b98; --bad: #b3131d; --bad-back: #ffebe9;
  --fault: #bf8700; --fault-ink: #7d4e00; --down: #59636e; --good: #116329; --current: #ddf4ff; --match: #fff8c5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --panel: #151b23; --ink: #e6edf3; --soft: #a9b1ba; --edge: #3d444d; --hover: #212830;
    --accent: #6cb6ff; --control: #c297ff; --quiet: #7d8590; --bad: #ff8a82; --bad-back: #4a1215;
    --fault: #d29922; --fault-ink: #e3b341; --down: #9198a1; --good: #57ab5a; --current: #123055; --match: #3b320a;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body {
  display: flex; flex-direction: column; background: var(--back); color: var(--ink);
  font: 14px/1.45 system-ui, sans-serif;
}
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.note { color: var(--soft); font-size: 12px; font-weight: normal; }
header { padding: 12px 16px 8px; }
h1 { margin: 0 0 4px; font-size: 18px; overflow-wrap: anywhere; }
h2 { margin: 0 0 6px; font-size: 15px; }
h3 { margin: 0 0 4px; font-size: 13px; }
h4 { margin: 8px 0 2px; font-size: 12px; color: var(--soft); }
.reason {
  margin: 6px 0; padding: 8px 12px; border-left: 4px solid var(--bad); background: var(--bad-back);
  overflow-wrap: anywhere; max-height: 8em; overflow: auto;
}
.facts { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 0; font-size: 12px; }
.facts div { display: flex; gap: 6px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.tools, .scrub { padding: 6px 16px; border-top: 1px solid var(--edge); background: var(--panel); }
.fields { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.fields label { display: inline-flex; align-items: center; gap: 6px; }
input, select, button { font: inherit; color: inherit; }
input[type=search], select {
  min-width: 0; width: 170px; padding: 3px 8px; border: 1px solid var(--edge); border-radius: 6px; background: var(--back);
}
button { padding: 3px 10px; border: 1px solid var(--edge); border-radius: 6px; background: var(--back); cursor: pointer; }
button:hover { background: var(--hover); }
button:disabled { opacity: .45; cursor: default; }
button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.show summary { margin-top: 4px; color: var(--soft); cursor: pointer; font-size: 12px; width: fit-content; }
fieldset { border: 0; margin: 0; padding: 0; }
#kinds { display: flex; flex-wrap: wrap; gap: 2px 14px; padding: 4px 0; }
.kind { display: inline-flex; align-items: center; gap: 5px; }
.scrub { display: flex; align-items: center; gap: 12px; border-bottom: 1px solid var(--edge); }
.buttons { display: flex; align-items: center; gap: 6px; flex: none; }
#now { min-width: 9em; font-family: ui-monospace, monospace; }
.slider { position: relative; flex: 1; min-width: 100px; height: 24px; }
.slider::before {
  content: ""; position: absolute; left: 8px; right: 8px; top: 11px; height: 2px; background: var(--quiet); opacity: .6;
}
.slider input {
  position: absolute; inset: 0; width: 100%; height: 24px; margin: 0; background: none; appearance: none; cursor: pointer;
}
.slider input::-webkit-slider-runnable-track { height: 24px; background: none; }
.slider input::-moz-range-track { height: 24px; background: none; }
.slider input::-webkit-slider-thumb {
  appearance: none; width: 16px; height: 24px; border: 2px solid var(--back); border-radius: 6px; background: var(--accent);
}
.slider input::-moz-range-thumb {
  width: 12px; height: 20px; border: 2px solid var(--back); border-radius: 6px; background: var(--accent);
}
#overview { position: absolute; inset: 0 8px; width: calc(100% - 16px); height: 24px; pointer-events: none; }
#overview .fault { fill: var(--fault); opacity: .35; }
#overview .lost { fill: var(--quiet); }
#overview .mark { fill: var(--good); }
#overview .bad { fill: var(--bad); }
main { flex: 1; min-height: 0; display: flex; }
#timeline, #table { flex: 1; min-width: 0; display: flex; flex-direction: column; }
#list { flex: 1; position: relative; overflow: auto; min-height: 0; overscroll-behavior: contain; }
#list:focus-visible { outline-offset: -2px; }
#lanes {
  position: sticky; top: 0; z-index: 2; height: 28px; background: var(--back); border-bottom: 1px solid var(--edge);
}
#lanes span {
  position: absolute; top: 5px; transform: translateX(-50%); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; font-weight: 600; font-size: 12px;
}
#lanes.slanted { height: 66px; }
#lanes.slanted span { top: auto; bottom: 4px; font-size: 11px; transform-origin: 0 100%; transform: translateX(8px) rotate(-50deg); }
#lanes .client { font-style: italic; }
#sizer { position: relative; overflow: hidden; }
#drawing { position: absolute; left: 0; top: 0; pointer-events: none; z-index: 1; }
.row { position: absolute; left: 0; right: 0; height: var(--row); line-height: var(--row); cursor: pointer; white-space: nowrap; }
.row:hover { background: var(--hover); }
.row .time {
  position: absolute; left: 10px; color: var(--soft); font: 11px ui-monospace, monospace; line-height: var(--row);
}
.row .text { position: absolute; left: var(--text); right: 8px; overflow: hidden; text-overflow: ellipsis; font-size: 13px; }
.row em { margin-left: 8px; color: var(--bad); font-style: normal; font-size: 12px; }
.row.message .text { font-family: ui-monospace, monospace; font-size: 12px; }
.row.control .text { color: var(--control); font-size: 12px; }
.row.ack .text, .row.timer .text, .row.disk .text, .row.span .text, .row.gap .text { color: var(--soft); font-size: 12px; }
.row.fault .text { color: var(--fault-ink); font-weight: 600; }
.row.mark .text, .row.property .text { color: var(--good); font-weight: 600; }
.row.match { background: var(--match); }
.row.bad { background: var(--bad-back); }
.row.bad .text { color: var(--bad); font-weight: 600; }
.row[aria-selected=true] { background: var(--current); box-shadow: inset 3px 0 var(--accent); }
tr.bad[aria-current] > * { background: var(--bad-back); box-shadow: inset 0 1px var(--bad), inset 0 -1px var(--bad); }
.row.bad[aria-selected=true] { background: var(--bad-back); box-shadow: inset 3px 0 var(--bad), inset 0 0 0 1px var(--bad); }
.life { stroke: var(--edge); stroke-width: 2; }
.arrow { stroke: var(--accent); stroke-width: 1.5; }
.head, .dot { fill: var(--accent); }
.control.arrow { stroke: var(--control); }
.control.head { fill: var(--control); }
.ack.arrow { stroke: var(--quiet); stroke-width: 1; }
.ack.head { fill: var(--quiet); }
.gone { stroke: var(--bad) !important; stroke-dasharray: 4 3; }
.cross { stroke: var(--bad); stroke-width: 2; fill: none; }
.arrow.current { stroke-width: 3; }
.dot.timer, .dot.disk, .dot.log, .dot.span, .dot.call { fill: var(--quiet); }
.dot.fault { fill: var(--fault); }
.dot.mark, .dot.property { fill: var(--good); }
.dot.bad { fill: var(--bad); }
.dot.current { stroke: var(--accent); stroke-width: 3; }
rect.fault { fill: var(--fault); fill-opacity: .22; stroke: var(--fault); stroke-opacity: .5; }
rect.fault.link { fill-opacity: .13; stroke-dasharray: 5 4; }
rect.fault.down { fill: var(--down); fill-opacity: .38; stroke: var(--down); }
rect.call { fill: var(--good); }
rect.call.bad { fill: var(--bad); }
aside {
  width: 400px; flex: none; overflow: auto; padding: 12px 16px; border-left: 1px solid var(--edge); background: var(--panel);
}
aside section + section { margin-top: 14px; padding-top: 12px; border-top: 1px solid var(--edge); }
#what { margin: 0 0 8px; font-weight: 600; overflow-wrap: anywhere; }
#what.bad { color: var(--bad); }
#record { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin: 0; font-size: 13px; }
#record dt { color: var(--soft); }
#record dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 12px; }
aside ul { margin: 0; padding-left: 18px; font-size: 13px; }
aside li { overflow-wrap: anywhere; }
aside li.fault { color: var(--fault-ink); font-weight: 600; }
aside li b { font-weight: 600; }
.scroll { position: relative; overflow: auto; }
#history .scroll { max-height: 300px; }
table { border-collapse: collapse; width: 100%; font-size: 12px; }
th, td { padding: 3px 8px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); overflow-wrap: break-word; }
thead th { position: sticky; top: 0; background: var(--panel); color: var(--soft); white-space: nowrap; }
tbody th, td:first-child { font-weight: normal; white-space: nowrap; }
td button, th button { padding: 0 2px; border: 0; background: none; color: var(--accent); font: 11px ui-monospace, monospace; }
tr.bad > * { color: var(--bad); background: var(--bad-back); }
tr.open > * { box-shadow: inset 0 -2px var(--good); }
#history th, #history td { padding: 3px 6px; }
tr[aria-current] > * { background: var(--current); }
.why { margin: 2px 0 0; }
#table .scroll { flex: 1; }
.pager { display: flex; gap: 10px; align-items: center; margin: 0; padding: 6px 16px; }
footer { padding: 5px 16px; border-top: 1px solid var(--edge); color: var(--soft); font-size: 12px; }
kbd { padding: 0 4px; border: 1px solid var(--edge); border-radius: 4px; font: 11px ui-monospace, monospace; }
@media (max-width: 800px) {
  html, body { height: auto; }
  header { padding: 10px 12px 6px; }
  .tools, .scrub { padding: 6px 12px; }
  .scrub { flex-wrap: wrap; position: sticky; top: 0; z-index: 3; }
  .slider { flex-basis: 100%; }
  .fields label { flex: 1 1 40%; }
  .fields input, .fields select { flex: 1; width: 60px; }
  main { flex-direction: column; }
  #list { height: 52vh; flex: none; }
  #table .scroll { max-height: 60vh; }
  #now { display: none; }
  aside { width: auto; border-left: 0; border-top: 1px solid var(--edge); overflow: visible; padding: 12px; }
  button { padding: 5px 9px; }
  .row .time { left: 6px; font-size: 10px; }
  footer { display: none; }
}
`
