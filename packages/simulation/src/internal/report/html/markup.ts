import type { PageData } from "./browser/pageData.ts"

/** The page without its contents, which the script fills in as text. */
export const body = ({ facts, failure, title }: PageData): string =>
  `<p id="live" class="hidden" role="status" aria-live="polite"></p>
<header>
<h1>${escape(title)}</h1>
${failure === "" ? "" : `<p class="reason"><strong>Failed:</strong> ${escape(failure)}</p>`}
<dl class="facts">${
    facts.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")
  }</dl>
</header>
<noscript><p class="reason">This page needs its script: allow scripts for it.</p></noscript>
<section class="tools" aria-label="Filter and search">
<div class="fields">
<label>Filter <input id="filter" type="search" placeholder="text of a record" autocomplete="off"></label>
<label>Host <select id="host"><option value="-1">all hosts</option></select></label>
<label>Find <input id="search" type="search" placeholder="Enter: next" autocomplete="off"></label>
<span id="count" class="note" role="status"></span>
</div>
<details class="show"><summary>Kinds of records</summary>
<fieldset><legend class="hidden">Kinds of records</legend><div id="kinds"></div></fieldset>
</details>
</section>
<section class="scrub" aria-label="Position">
<div class="buttons">
<button id="failureButton" title="f">${failure === "" ? "To the end" : "To the failure"}</button>
<button id="backButton" title="k or up" aria-label="Previous record">▲</button>
<button id="onButton" title="j or down" aria-label="Next record">▼</button>
<button id="fartherButton" title="-" aria-label="Smaller rows">−</button>
<button id="closerButton" title="+" aria-label="Larger rows">+</button>
<button id="toggle" title="t" aria-pressed="false">Table</button>
<span id="now" class="note"></span>
</div>
<div class="slider">
<svg id="overview" aria-hidden="true" viewBox="0 0 1000 24" preserveAspectRatio="none"></svg>
<input id="scrubber" type="range" min="0" max="0" value="0" aria-label="Position in the run">
</div>
</section>
<main>
<section id="timeline" aria-label="Timeline">
<div id="list" role="listbox" tabindex="0" aria-label="Records, oldest first" aria-describedby="keys">
<div id="lanes" aria-hidden="true"></div>
<div id="sizer" role="presentation"><svg id="drawing" aria-hidden="true"></svg><div id="rows" role="presentation"></div></div>
</div>
</section>
<section id="table" aria-label="Records as a table" hidden>
<p class="pager"><button id="tableBack">Previous 200</button> <span id="tableRange" class="note"></span> <button id="tableOn">Next 200</button></p>
<div class="scroll" id="tableScroll" tabindex="0" role="region" aria-label="Table of records"><table>
<thead><tr><th scope="col">Time, s</th><th scope="col">Kind</th><th scope="col">Host</th><th scope="col">To</th><th scope="col">Record</th><th scope="col">Outcome</th></tr></thead>
<tbody id="tableRows"></tbody></table></div>
</section>
<aside aria-label="At the cursor" tabindex="0">
<section><h2>At the cursor <span id="position" class="note"></span></h2><p id="what"></p><dl id="record"></dl></section>
<section id="faults" hidden><h3>Faults in effect</h3><ul class="content"></ul></section>
<section id="history" hidden><h3>Client history <span id="callCount" class="note"></span></h3>
<div class="scroll" id="callScroll" tabindex="0" role="region" aria-label="Calls"><table>
<thead><tr><th scope="col">Time, s</th><th scope="col">Client</th><th scope="col">Call</th><th scope="col">Answer</th><th scope="col">Order</th></tr></thead>
<tbody id="callRows"></tbody></table></div></section>
<section id="waits" hidden><h3>What waits here</h3><div class="content"></div></section>
<section id="spans" hidden><h3>Open spans</h3><ul class="content"></ul></section>
</aside>
</main>
<footer id="keys">Keys: <kbd>j</kbd> <kbd>k</kbd> or arrows step, <kbd>PgUp</kbd> <kbd>PgDn</kbd> by ten, <kbd>Home</kbd> <kbd>End</kbd>, <kbd>f</kbd> failure, <kbd>/</kbd> find, <kbd>n</kbd> <kbd>N</kbd> next and previous match, <kbd>+</kbd> <kbd>−</kbd> row height, <kbd>t</kbd> table</footer>`

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;")
