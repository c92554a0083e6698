export const root: string
export const binaries: string
export const install: () => Promise<void>
