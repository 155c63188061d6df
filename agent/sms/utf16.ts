/** Text as UTF-16BE, which is what UCS-2 (TS 23.038 clause 6.2.3) is in practice. */
export function textToUtf16 (text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[i * 2] = unit >>> 8
    bytes[i * 2 + 1] = unit & 0xff
  }
  return bytes
}

/** The text of UTF-16BE, unit by unit; half of a pair stays what it is, an odd octet at the end is no text. */
export function utf16ToText (bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i]! << 8 | bytes[i + 1]!)
  return text
}
