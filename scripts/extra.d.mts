export const installIn: (name: string) => Promise<void>
