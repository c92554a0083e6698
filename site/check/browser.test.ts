import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { serve } from "../server.ts"

const executablePath = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync)
if (executablePath === undefined) console.warn("skipped: the site is not looked at without Chromium")

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const looks = [
  { width: 390, colorScheme: "light", rules: "all" },
  { width: 390, colorScheme: "dark", rules: "contrast" },
  { width: 1280, colorScheme: "light", rules: "all" },
  { width: 1280, colorScheme: "dark", rules: "contrast" }
] as const
// The search button shows its shortcut, which is no part of its name.
const rules = {
  all: { rules: { "label-content-name-mismatch": { enabled: false } } },
  contrast: { runOnly: ["color-contrast"] }
}
const visited = [
  "",
  "guide/getting-started.html",
  "guide/simulation.html",
  "reference/",
  "reference/core/Server.html",
  "source/packages/framing/src/SafeText.ts.html",
  "report.html"
]

describe.skipIf(executablePath === undefined)("in Chromium", () => {
  let browser: Browser
  let site: Awaited<ReturnType<typeof serve>>

  beforeAll(async () => {
    site = await serve(0)
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] })
  })
  afterAll(async () => {
    await browser.close()
    site.server.closeAllConnections()
    site.server.close()
  })

  /** Opens pages in a window, and returns what it asked other hosts for, and its errors. */
  const open = async (look: typeof looks[number], use: (page: Page) => Promise<void>) => {
    const { colorScheme, width } = look
    const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme, reducedMotion: "reduce" })
    const page = await context.newPage()
    const faults: Array<string> = []
    page.on("request", (request) => {
      if (!request.url().startsWith(site.url) && !request.url().startsWith("data:")) {
        faults.push(`asked ${request.url()}`)
      }
    })
    page.on("pageerror", (error) => faults.push(error.message))
    await use(page)
    await context.close()
    return faults
  }

  it.each(looks)(
    "at $width pixels, $colorScheme: no fault of accessibility, no overflow, no other host",
    async (look) => {
      const found: Array<string> = []
      const faults = await open(look, async (page) => {
        for (const path of visited) {
          await page.goto(`${site.url}${path}`)
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          if (overflow > 0) found.push(`${path}: ${overflow} pixels too wide`)
          await page.evaluate(axe)
          const violations = await page.evaluate(async (options) => {
            const { axe } = globalThis as unknown as {
              axe: { run: (options: object) => Promise<{ violations: ReadonlyArray<Violation> }> }
            }
            const result = await axe.run({ iframes: false, resultTypes: ["violations"], ...options })
            return result.violations.map(({ help, nodes }) =>
              `${help}: ${nodes.slice(0, 3).map(({ html }) => html).join("  ")}`
            )
          }, rules[look.rules])
          found.push(...violations.map((violation) => `${path}: ${violation}`))
        }
      })
      expect([...found, ...faults]).toEqual([])
    }
  )

  it("works by keyboard: skips to the content, searches, and opens a result", async () => {
    const faults = await open(looks[2], async (page) => {
      await page.goto(`${site.url}guide/servers.html`, { waitUntil: "networkidle" })
      await page.keyboard.press("Tab")
      expect(await page.evaluate(() => document.activeElement?.textContent)).toMatch(/skip to content/i)
      await page.keyboard.press("Control+k")
      await page.locator("#localsearch-input:focus").waitFor()
      await page.keyboard.type("upgradeTls")
      await page.locator(".result.selected").waitFor()
      await page.keyboard.press("Enter")
      await page.waitForURL(/reference\/core\/Connection.*upgradeTls|tls/)
    })
    expect(faults).toEqual([])
  })
})

interface Violation {
  readonly help: string
  readonly nodes: ReadonlyArray<{ readonly html: string }>
}
