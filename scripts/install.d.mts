export const root: string
export const binaries: string
export const install: () => Promise<void>
export const installIn: (name: string) => Promise<void>
