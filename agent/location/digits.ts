/** Whether a text is `least` to `most` digits and nothing else. */
export function isDigits (text: string, least: number, most: number): boolean {
  if (text.length < least || text.length > most) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 48 || code > 57) return false
  }
  return true
}
