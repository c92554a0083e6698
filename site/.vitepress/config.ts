import { defineConfig } from "vitepress"
import { contents } from "../content/contents.ts"
import { base } from "../content/paths.ts"
import { themes } from "../content/themes.ts"

const { guide, reference } = contents()

/** Anchors as GitHub makes them, so that the links of the guide lead to the same headings in both places. */
const slugify = (heading: string) =>
  heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-")

export default defineConfig({
  lang: "en-US",
  title: "Sluice",
  description: "A networking framework for TypeScript and Effect",
  base,
  srcDir: ".content",
  outDir: "dist",
  cacheDir: ".vitepress/cache",
  appearance: true,
  lastUpdated: false,
  head: [
    ["link", { rel: "icon", href: `${base}logo.svg`, type: "image/svg+xml" }],
    ["meta", { name: "theme-color", content: "#0b6b74" }]
  ],
  // The first page has no main landmark otherwise.
  transformHtml: (html) => html.replace(/(<div class="VPContent is-home")/, "$1 role=\"main\""),
  vite: {
    // Without the tsconfig.json of the packages, whose target this esbuild does not know.
    esbuild: { tsconfigRaw: {} }
  },
  markdown: {
    theme: themes,
    // Braces are code in these pages.
    attrs: { leftDelimiter: "{%", rightDelimiter: "%}" },
    anchor: { slugify },
    headers: { slugify, level: [2, 3] }
  },
  themeConfig: {
    logo: { src: "/logo.svg", alt: "" },
    nav: [
      { text: "Guide", link: "/guide/getting-started", activeMatch: "^/guide/(?!cookbook|compare|from-)" },
      { text: "Cookbook", link: "/guide/cookbook" },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      { text: "Compare", link: "/guide/compare", activeMatch: "^/guide/(compare|from-)" },
      { text: "A failure", link: "/report" }
    ],
    sidebar: {
      "/guide/": guide,
      "/report": guide,
      "/project/": guide,
      ...reference
    },
    outline: { level: [2, 3], label: "On this page" },
    search: {
      provider: "local",
      options: {
        miniSearch: { searchOptions: { boost: { title: 6, titles: 2, text: 1 }, fuzzy: 0.15, prefix: true } }
      }
    },
    footer: { message: "MIT license" },
    docFooter: { prev: "Previous", next: "Next" }
  }
})
