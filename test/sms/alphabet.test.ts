import { createRequire } from 'node:module'
import t from 'tap'
import fc from 'fast-check'
import { BASE_TABLE, ESCAPE, EXTENSION_TABLE, septetsToText, textToSeptets, type CodeTable } from '../../agent/sms/gsm7.ts'
import { lockingShiftTable, singleShiftTable } from '../../agent/sms/national.ts'
import { headerSeptets, packSeptets, septetOctets, unpackSeptets } from '../../agent/sms/septets.ts'
import { textToUtf16, utf16ToText } from '../../agent/sms/utf16.ts'
import { seeded } from '../lib/seed.ts'

/** What is used of another implementation of three of the tables. */
const { gsmCoder } = createRequire(import.meta.url)('smpp/lib/defs') as { gsmCoder: { decode: (octets: Buffer, language: number) => string } }

const CODES = Array.from({ length: 128 }, (_, code) => code).filter(code => code !== ESCAPE)
const alphabet = [...BASE_TABLE, ...EXTENSION_TABLE].filter(character => character !== undefined && character !== '') as string[]
const gsmText = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 200, size: 'max' })

t.test('the default alphabet and its extension, code by code, as another implementation has them', async t => {
  t.equal(alphabet.length, 137)
  t.equal(new Set(alphabet).size, 137)
  for (const code of CODES) t.equal(BASE_TABLE[code], gsmCoder.decode(Buffer.of(code), 0))
  for (const [code, character] of EXTENSION_TABLE.entries()) if (character !== undefined) t.equal(character, gsmCoder.decode(Buffer.of(ESCAPE, code), 0))
})

t.test('text that the alphabet does not have is no septets', async t => {
  for (const text of ['`', 'ç', '\t', '\u00a0', '’', '–', '\u001b', 'я', '😀', 'e\u0301']) t.equal(textToSeptets(`a${text}`), undefined)
  t.same(textToSeptets('Ç€'), Uint8Array.of(9, 0x1b, 0x65))
  t.same(textToSeptets(''), new Uint8Array())
})

t.test('codes that are not taken, and escapes at odd places', async t => {
  const text = (...codes: number[]): string => septetsToText(Uint8Array.from(codes))
  t.equal(text(0x1b, 0x61), 'a', 'an unknown code behind an escape is that of the base table')
  t.equal(text(0x1b, 0x1b, 0x65), ' e', 'two escapes are a space')
  t.equal(text(0x61, 0x1b), 'a', 'an escape at the end is nothing')
  t.equal(text(0x80 | 0x61), 'a', 'the highest bit is none of a septet')
})

t.test('text to septets, packed behind a header of any length, and back', async t => {
  fc.assert(fc.property(gsmText, fc.uint8Array({ maxLength: 40, size: 'max' }), (text, header) => {
    const septets = textToSeptets(text)!
    const packed = packSeptets(septets, header)
    const end = headerSeptets(header.length) + septets.length
    return packed.length === septetOctets(end) && Buffer.from(header).equals(packed.subarray(0, header.length)) &&
      septetsToText(unpackSeptets(packed, headerSeptets(header.length), end)) === text
  }), seeded(t))
})

t.test('packing: a seventh septet leaves seven bits, which are no "@"; octets that are not there are not read', async t => {
  t.equal(Buffer.from(packSeptets(textToSeptets('abcdefg')!)).toString('hex'), '61f1985c369f01')
  t.equal(unpackSeptets(Buffer.from('61f1985c369f01', 'hex'), 0, 7).length, 7)
  t.equal(unpackSeptets(Buffer.from('61f1', 'hex'), 0, 160).length, 2)
  t.equal(unpackSeptets(new Uint8Array(), 7, 3).length, 0)
})

t.test('UTF-16 to octets and back, halves of pairs too; an odd octet is no text', async t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), units => {
    const text = String.fromCharCode(...units)
    return utf16ToText(textToUtf16(text)) === text
  }), seeded(t))
  t.same(textToUtf16('я😀'), Uint8Array.of(0x04, 0x4f, 0xd8, 0x3d, 0xde, 0x00))
  t.equal(utf16ToText(Uint8Array.of(0x04, 0x4f, 0xd8)), 'я')
})

t.test('Turkish, Spanish and Portuguese, code by code, as another implementation has them', async t => {
  for (const language of [1, 2, 3]) {
    for (const code of CODES) {
      t.equal(lockingShiftTable(language)[code], gsmCoder.decode(Buffer.of(code), language), `locking ${language} ${code}`)
      const shifted = singleShiftTable(language)[code]
      if (shifted !== undefined) t.equal(shifted, gsmCoder.decode(Buffer.of(ESCAPE, code), language), `single ${language} ${code}`)
    }
  }
  const taken = [1, 2, 3].map(language => singleShiftTable(language).filter(character => character !== undefined).length)
  t.same(taken, [17, 19, 37])
})

t.test('the tables of Indian languages (TS 23.038 annexes A.2.4 to A.3.13): their script, each letter once, Latin letters where the skeleton has them', async t => {
  // Script; of the locking shift table how many codes are taken, and what stands at 1A, 40, 5E, 60 and 7F; of the single shift table the same, at 1C and 26.
  const facts: [number, RegExp, number, string, number, string][] = [
    [4, /\p{Script=Bengali}/u, 114, '99a 9ac 9cc 9ce 9f1', 82, '9e8 9e1'],
    [5, /\p{Script=Gujarati}/u, 120, 'a9a aac acc ad0 af1', 70, 'ae6 0'],
    [6, /\p{Script=Devanagari}/u, 127, '91a 92c 94c 950 97f', 88, '966 951'],
    [7, /\p{Script=Kannada}/u, 120, 'c9a cac ccc cd5 ce3', 73, 'ce6 cde'],
    [8, /\p{Script=Malayalam}/u, 120, 'd1a d2c d4c d57 d79', 82, 'd66 d70'],
    [9, /\p{Script=Oriya}/u, 116, 'b1a b2c b4c b56 b63', 75, 'b66 b5c'],
    [10, /\p{Script=Gurmukhi}/u, 110, 'a1a a2c a4c a51 a74', 76, 'a66 a59'],
    [11, /\p{Script=Tamil}/u, 102, 'b9a 0 bcc bd0 bf9', 77, 'be6 bf3'],
    [12, /\p{Script=Telugu}/u, 120, 'c1a c2c c4c c55 c63', 78, 'c66 c58'],
    [13, /\p{Script=Arabic}|\p{Script=Inherited}/u, 127, '62f 635 64f 654 670', 90, '6f0 60c']
  ]
  const points = (table: CodeTable, codes: number[]): string => codes.map(code => (table[code] || '\0').charCodeAt(0).toString(16)).join(' ')
  const taken = (table: CodeTable): number => table.filter(character => character !== undefined && character !== '').length
  for (const [language, script, lockingTaken, lockingAt, singleTaken, singleAt] of facts) {
    const locking = lockingShiftTable(language)
    const single = singleShiftTable(language)
    t.same([taken(locking), points(locking, [0x1a, 0x40, 0x5e, 0x60, 0x7f])], [lockingTaken, lockingAt], `${language}: locking shift`)
    t.same([taken(single), points(single, [0x1c, 0x26])], [singleTaken, singleAt], `${language}: single shift`)
    const letters = locking.filter(character => character !== undefined && character.codePointAt(0)! > 0x7f) as string[]
    t.equal(new Set(letters).size, letters.length, `${language}: each letter once`)
    t.ok(letters.every(letter => script.test(letter)), `${language}: letters of the script`)
    t.equal(CODES.slice(0x60).map(code => locking[code]).join('').slice(0, 26), 'abcdefghijklmnopqrstuvwxyz', `${language}: Latin letters`)
    t.equal(CODES.slice(0x40).map(code => single[code]).join('').slice(0, 26), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', `${language}: Latin capitals`)
    t.equal(EXTENSION_TABLE.findIndex((character, code) => character !== undefined && single[code] !== character), -1, `${language}: the default extension`)
  }
})
