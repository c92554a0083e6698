import { defineConfig } from "vitest/config"

const project = (name: string) => ({
  test: { name, root: `packages/${name}`, include: ["test/**/*.test.ts"] }
})

export default defineConfig({
  test: { projects: [project("core"), project("node"), project("examples")] }
})
