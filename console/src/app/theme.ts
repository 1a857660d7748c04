/** Light, dark, or as the system has it. The choice is no secret, so that it may stay in the browser. */
export type Theme = 'system' | 'light' | 'dark'

const KEY = 'berth-theme'

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
  window.dispatchEvent(new Event('berth-theme'))
}
