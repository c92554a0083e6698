/** The colors of code, with enough contrast on the backgrounds of the site. */
export const themes = { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } as const
