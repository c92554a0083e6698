import { bindControls } from "./browser/controls.ts"
import { showDetail } from "./browser/detail.ts"
import { makePage } from "./browser/page.ts"
import { showTable } from "./browser/table.ts"
import { drawTimeline } from "./browser/timeline.ts"

/** The script of the page: functions that use nothing from outside of themselves, as text. They are compiled for a browser. */
export const script: string = [
  "\"use strict\"",
  `const page = (${String(makePage)})()`,
  ...[drawTimeline, showDetail, showTable, bindControls].map((part) => `;(${String(part)})(page)`)
].join("\n")
