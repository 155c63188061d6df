import { createRequire } from 'node:module'
import t from 'tap'
import fc from 'fast-check'
import type { Encoded } from '../../agent/sms/fragment.ts'
import { decodeHeader, encodeHeader, type UserDataHeader } from '../../agent/sms/header.ts'
import { capacity, encodeData, encodeText, type DataOptions, type EncodeOptions } from '../../agent/sms/segmentation.ts'
import { packSeptets } from '../../agent/sms/septets.ts'
import { textOf } from '../../agent/sms/user-data.ts'
import { random, seed, seeded } from '../lib/seed.ts'

/** What is used of two counters that others wrote, one of which has no types. */
const require = createRequire(import.meta.url)
const { split } = require('split-sms') as { split: (text: string) => { parts: { content: string }[], characterSet: string } }
const { SegmentedMessage } = require('sms-segments-calculator') as { SegmentedMessage: new (text: string) => { segmentsCount: number } }

const PLAIN: EncodeOptions = { reference: 0x1234, referenceBits: 8 }
const PORTS = { source: 5000, destination: 80, bits: 16 } as const

function text (message: string, options = PLAIN): Encoded {
  const encoded = encodeText(message, options)
  if (typeof encoded === 'string') throw new Error(encoded)
  return encoded
}

function data (bytes: Uint8Array, options: DataOptions = PLAIN): Encoded {
  const encoded = encodeData(bytes, options)
  if (typeof encoded === 'string') throw new Error(encoded)
  return encoded
}

/** The texts of the fragments. */
const parts = ({ alphabet, fragments }: Encoded): string[] => fragments.map(({ header, body }) => textOf(alphabet, body, decodeHeader(header).header)!)

/** Octets that a fragment takes. */
const octets = (alphabet: string, { header, body }: Encoded['fragments'][number]): number =>
  alphabet === 'gsm7' ? packSeptets(body, header).length : header.length + body.length

t.test('what fits behind each header: septets, octets, UTF-16 units', async t => {
  const concat8 = { reference: 1, bits: 8, total: 2, part: 1 } as const
  const concat16 = { ...concat8, bits: 16 } as const
  const ports16 = PORTS
  const ports8 = { source: 1, destination: 2, bits: 8 } as const
  const rows: [UserDataHeader, ...number[]][] = [
    [{}, 0, 160, 140, 70],
    [{ concatenation: concat8 }, 6, 153, 134, 67],
    [{ concatenation: concat16 }, 7, 152, 133, 66],
    [{ ports: ports16 }, 7, 152, 133, 66],
    [{ ports: ports8 }, 5, 154, 135, 67],
    [{ commandPacket: true }, 3, 156, 137, 68],
    [{ ports: ports16, concatenation: concat8 }, 12, 146, 128, 64],
    [{ ports: ports16, concatenation: concat16 }, 13, 145, 127, 63],
    [{ ports: ports8, concatenation: concat8 }, 10, 148, 130, 65],
    [{ ports: ports8, concatenation: concat16 }, 11, 147, 129, 64],
    [{ commandPacket: true, concatenation: concat8 }, 8, 150, 132, 66],
    [{ commandPacket: true, concatenation: concat16 }, 9, 149, 131, 65],
    [{ commandPacket: true, ports: ports16 }, 9, 149, 131, 65],
    [{ commandPacket: true, ports: ports16, concatenation: concat8 }, 14, 144, 126, 63],
    [{ commandPacket: true, ports: ports16, concatenation: concat16 }, 15, 142, 125, 62],
    [{ singleShift: 1 }, 4, 155, 136, 68],
    [{ lockingShift: 1, concatenation: concat8 }, 9, 149, 131, 65],
    [{ lockingShift: 1, concatenation: concat16 }, 10, 148, 130, 65],
    [{ singleShift: 1, lockingShift: 1, concatenation: concat8 }, 12, 146, 128, 64],
    [{ singleShift: 1, lockingShift: 1, concatenation: concat16 }, 13, 145, 127, 63]
  ]
  for (const [elements, ...expected] of rows) {
    const header = encodeHeader(elements)
    t.same([header.length, capacity('gsm7', header.length), capacity('8bit', header.length), capacity('ucs2', header.length)], expected, JSON.stringify(elements))
    t.equal(packSeptets(new Uint8Array(expected[1]!), header).length, 140, 'and as many septets fill the message')
    t.same(decodeHeader(header), { header: elements, damaged: false })
  }
})

t.test('one more than fits makes two fragments, whatever the header', async t => {
  for (const [options, gsm, bytes, units] of [
    [PLAIN, 160, 140, 70],
    [{ ...PLAIN, ports: PORTS }, 152, 133, 66],
    [{ ...PLAIN, ports: { source: 1, destination: 2, bits: 8 } }, 154, 135, 67]
  ] as const) {
    t.same([text('a'.repeat(gsm), options), data(new Uint8Array(bytes), options), text('я'.repeat(units), options)].map(({ fragments }) => fragments.length), [1, 1, 1])
    t.same([text('a'.repeat(gsm + 1), options), data(new Uint8Array(bytes + 1), options), text('я'.repeat(units + 1), options)].map(({ fragments }) => fragments.length), [2, 2, 2])
  }
})

t.test('the longest messages: with references of 8 and of 16 bits', async t => {
  for (const [referenceBits, expected] of [[8, [14, 27, 30, 31, 15, 16]], [16, [14, 27, 31, 31, 16, 16]]] as const) {
    const options = { ...PLAIN, referenceBits }
    const counts = [
      text('a'.repeat(2000), options), text('€'.repeat(2000), options), text('я'.repeat(2000), options), text('😀'.repeat(1000), options),
      data(new Uint8Array(2000), options), data(new Uint8Array(2000), { ...options, ports: PORTS })
    ].map(({ fragments }) => fragments.length)
    t.same(counts, expected)
  }
})

t.test('headers: all fragments say the same but for their number, the reference in its bits, ports in each', async t => {
  for (const [referenceBits, reference] of [[8, 0x34], [16, 0x1234]] as const) {
    const { fragments } = data(new Uint8Array(300), { ...PLAIN, referenceBits, ports: PORTS })
    t.same(fragments.map(({ header }) => decodeHeader(header)), fragments.map((_, i) => ({
      header: { concatenation: { reference, bits: referenceBits, total: 3, part: i + 1 }, ports: PORTS }, damaged: false
    })))
  }
})

t.test('codings', async t => {
  const classes = [undefined, 0, 1, 2, 3] as const
  t.same(classes.map(c => text('a', { ...PLAIN, class: c }).dcs), [0x00, 0x10, 0x11, 0x12, 0x13])
  t.same(classes.map(c => text('я', { ...PLAIN, class: c }).dcs), [0x08, 0x18, 0x19, 0x1a, 0x1b])
  t.same(classes.map(c => data(Buffer.from('a'), { ...PLAIN, class: c }).dcs), [0x04, 0x14, 0x15, 0x16, 0x17])
  t.same(classes.slice(1).map(c => data(Buffer.from('a'), { ...PLAIN, class: c, group: 'class' }).dcs), [0xf4, 0xf5, 0xf6, 0xf7])
  t.match(encodeData(Buffer.from('a'), { ...PLAIN, group: 'class' }), /needs a class/)
})

t.test('what cannot be sent says why', async t => {
  t.equal(text('a'.repeat(255 * 153)).fragments.length, 255)
  t.match(encodeText('a'.repeat(255 * 153 + 1), PLAIN), /at most 255 fragments/)
  // One septet of each fragment stays empty.
  t.match(encodeText('€'.repeat(255 * 76 + 1), PLAIN), /at most 255 fragments/)
  t.equal(data(new Uint8Array(137), { ...PLAIN, commandPacket: true }).fragments.length, 1)
  t.match(encodeData(new Uint8Array(138), { ...PLAIN, commandPacket: true }), /one short message, which here holds 137 octets/)
  t.equal(data(new Uint8Array(131), { ...PLAIN, commandPacket: true, ports: PORTS }).fragments.length, 1)
  t.match(encodeData(new Uint8Array(132), { ...PLAIN, commandPacket: true, ports: PORTS }), /131 octets/)
})

t.test('alphabets and counts of cases that counters get wrong', async t => {
  const cases: [string, 'gsm7' | 'ucs2', number][] = [
    ['€', 'gsm7', 1], ['{}[]~\\|^', 'gsm7', 1], ['\f', 'gsm7', 1], ['a'.repeat(160), 'gsm7', 1], ['a'.repeat(161), 'gsm7', 2], ['a'.repeat(306), 'gsm7', 2],
    ['a'.repeat(307), 'gsm7', 3], ['a'.repeat(459), 'gsm7', 3], ['a'.repeat(460), 'gsm7', 4], ['a'.repeat(159) + '€', 'gsm7', 2],
    ['a'.repeat(152) + '€' + 'a'.repeat(152), 'gsm7', 3], ['я'.repeat(70), 'ucs2', 1], ['я'.repeat(71), 'ucs2', 2], ['я'.repeat(134), 'ucs2', 2],
    ['я'.repeat(135), 'ucs2', 3], ['я'.repeat(66) + '😀' + 'я'.repeat(66), 'ucs2', 3], ['😀'.repeat(35), 'ucs2', 1], ['ç', 'ucs2', 1], ['Ç', 'gsm7', 1],
    ['`', 'ucs2', 1], ['\u001b', 'ucs2', 1], ['👨‍👩‍👧‍👦', 'ucs2', 1], ['a\r\nb', 'gsm7', 1], ['a'.repeat(2000), 'gsm7', 14], ['я'.repeat(2000), 'ucs2', 30], ['', 'gsm7', 1]
  ]
  for (const [message, alphabet, count] of cases) {
    const encoded = text(message)
    const name = JSON.stringify(message.slice(0, 12))
    t.same([encoded.alphabet, encoded.fragments.length], [alphabet, count], name)
    t.equal(parts(encoded).join(''), message)
    t.same([split(message).parts.length, new SegmentedMessage(message).segmentsCount], [count, count], `${name} as others count`)
  }
})

t.test('what belongs together stays whole where that takes no fragment more', async t => {
  const flag = '🇳🇴'
  const family = '👨‍👩‍👧‍👦'
  // 66 and a flag of 4 units: one unit is left of the first fragment, and a pair would not fit either.
  t.same(parts(text('я'.repeat(65) + flag + 'я'.repeat(20))), ['я'.repeat(65), flag + 'я'.repeat(20)])
  t.same(parts(text('я'.repeat(60) + family + 'я'.repeat(20))), ['я'.repeat(60), family + 'я'.repeat(20)])
  t.same(parts(text('a'.repeat(152) + '\r\n' + 'b'.repeat(20))), ['a'.repeat(152), '\r\n' + 'b'.repeat(20)])
  // Two full fragments: room for one cut only at its latest.
  const full = 'я'.repeat(65) + flag + 'я'.repeat(65)
  t.same(parts(text(full)), ['я'.repeat(65) + '🇳', '🇴' + 'я'.repeat(65)])
  // One grapheme that no fragment can hold.
  const marks = 'e' + '\u0301'.repeat(300)
  t.equal(parts(text(marks)).join(''), marks)
  t.equal(text(marks).fragments.length, 5)
})

/** Text of many kinds, from ASCII alone to everything at once. */
const KINDS = [
  [...'abc XYZ 0189.,!?'], [...'{}[]~\\|^€\f'], [...'äöñÇèΔΩß\n'], ['\r\n', '\r'], [...'çêâ`’“–\u00a0\t'], [...'Привет мир'], [...'你好世界、。'], [...'😀👍🎉𝒳'],
  ['👨‍👩‍👧‍👦', '👩🏽‍🚀', '🏳️‍🌈', '❤️', '🧑‍🤝‍🧑'], ['🇳🇴', '🇸🇪', '🇺🇸'], ['e\u0301', 'a\u0308\u0323', 'ก็', 'क्षि', '각'], ['\u001b', '\u0000']
]

t.test('as many fragments as two counters of others, wherever these agree', async t => {
  const next = random(seed(t))
  const TEXTS = 100_000
  const differing: string[] = []
  let agreed = 0
  let several = 0
  for (let i = 0; i < TEXTS; i++) {
    const kinds = Array.from({ length: 1 + next() % 3 }, () => KINDS[next() % KINDS.length]!)
    // Around the sizes at which another fragment begins, where one unit more or less counts; long ones are few, since a counter takes 3 µs for each unit.
    const units = (next() % 10 === 0 ? [134, 160, 201, 306][next() % 4]! : 70) + next() % 7 - 3
    let message = ''
    while (message.length < units) {
      const kind = kinds[next() % kinds.length]!
      message += kind[next() % kind.length]
    }
    const ours = text(message).fragments.length
    const pairs = split(message).parts.length
    const graphemes = new SegmentedMessage(message).segmentsCount
    if (ours > 1) several++
    if (pairs === graphemes) agreed++
    // Where they differ, one never cuts a grapheme and pays a fragment for it.
    if (ours !== Math.min(pairs, graphemes)) differing.push(JSON.stringify({ message, ours, pairs, graphemes }))
  }
  t.comment(`the two agree on ${agreed} of ${TEXTS} texts; on ${TEXTS - agreed} ours is as few as the fewer; ${several} are cut`)
  t.same(differing.slice(0, 5), [])
  t.ok(agreed > TEXTS / 2 && several > TEXTS / 4, 'the texts try something')
})

t.test('any text: nothing is lost, no pair or escape is cut, each fragment fits, and the number is the least', async t => {
  const unit = fc.constantFrom(...KINDS.flat())
  fc.assert(fc.property(fc.string({ unit, maxLength: 700, size: 'max' }), fc.constantFrom(8, 16), fc.boolean(), (message, referenceBits, withPorts) => {
    const encoded = text(message, { reference: 7, referenceBits, ports: withPorts ? PORTS : undefined })
    const pieces = parts(encoded)
    const room = capacity(encoded.alphabet, encoded.fragments[0]!.header.length)
    const size = (piece: string): number => [...piece].reduce((sum, c) => sum + (encoded.alphabet === 'ucs2' ? c.length : '{}[]~\\|^€\f'.includes(c) ? 2 : 1), 0)
    return pieces.join('') === message && pieces.every(piece => !/^[\udc00-\udfff]/.test(piece)) &&
      encoded.fragments.every(({ body }, i) => body.length === size(pieces[i]!) * (encoded.alphabet === 'ucs2' ? 2 : 1)) &&
      encoded.fragments.every(fragment => octets(encoded.alphabet, fragment) <= 140) && greedy(message, size, room) === pieces.length
  }), seeded(t, 300))
})

/** Fragments when each is filled with whole characters as far as they fit, once one alone is not enough. */
function greedy (message: string, size: (text: string) => number, room: number): number {
  let count = 1
  let filled = 0
  for (const character of message) {
    if (filled + size(character) > room) { count++; filled = 0 }
    filled += size(character)
  }
  return count
}

t.test('headers of others: any order, unknown elements, the last of a kind; damage costs all elements', async t => {
  const read = (hex: string): ReturnType<typeof decodeHeader> => decodeHeader(Buffer.from(hex, 'hex'))
  const concatenation = { reference: 0x42, bits: 8, total: 2, part: 1 }
  t.same(read('0f7f02aabb050413880050' + '000342' + '0201').header, { concatenation, ports: { source: 80, destination: 5000, bits: 16 } })
  t.same(read('0a' + '0003410202' + '0003420201').header, { concatenation }, 'the last one')
  t.same(read('0b' + '0003410202' + '08041234' + '0201').header.concatenation?.bits, 16, 'the last size')
  t.same(read('050003420002'), { header: {}, damaged: false }, 'a total of 0')
  t.same(read('050003420203'), { header: {}, damaged: false }, 'a part beyond the total')
  t.same(read('050003420200'), { header: {}, damaged: false }, 'a part 0')
  t.same(read('0400024202'), { header: {}, damaged: false }, 'an element of another length')
  for (const broken of ['060003420201', '05000342', '060003420201' + '70', '0500044202' + '01', '01' + '00', 'ff', '0700034202010005']) t.same(read(broken), { header: {}, damaged: true }, broken)
  t.same(read(''), { header: {}, damaged: false })
  t.same(read('00'), { header: {}, damaged: false })
})
