import DefaultTheme from "vitepress/theme-without-fonts"
// oxlint-disable-next-line import/no-unassigned-import
import "./style.css"

export default DefaultTheme
