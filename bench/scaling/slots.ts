// How evenly sessions lie on the masters of a Redis Cluster: record ids are random, slots are whole.
import type { Random } from './random.ts'

const SLOTS = 16_384
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ID_LENGTH = 22
// Steps of the integral, and how many deviations it reaches to each side.
const FINENESS = 1000
const REACH = 8

// What each byte does to the checksum: CRC-16/XMODEM, the polynomial 0x1021.
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc
})

/** The slot of a hash tag in ASCII (Redis Cluster specification, "Key distribution model"). */
export function slotOf(tag: string): number {
  let crc = 0
  for (let n = 0; n < tag.length; n++) {
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ tag.charCodeAt(n)]!
  }
  return crc % SLOTS
}

function slotsBefore(master: number, masters: number): number {
  return Math.floor((master * SLOTS) / masters)
}

/** The fullest master's sessions, in averages: computed, each master's number being normally distributed. */
export function expectedImbalance(masters: number, sessions: number): number {
  // Slots are whole: some masters have one more than the others.
  const fewest = Math.floor(SLOTS / masters)
  const more = SLOTS % masters
  const kinds = [
    { count: more, slots: fewest + 1 },
    { count: masters - more, slots: fewest },
  ].map(({ count, slots }) => {
    const share = slots / SLOTS
    const deviation = Math.sqrt(sessions * share * (1 - share))
    return { count, mean: sessions * share, deviation }
  })
  const fullest = kinds.find(({ count }) => count > 0)!
  const most = fullest.mean + REACH * fullest.deviation
  let mean = fullest.mean - REACH * fullest.deviation
  // The mean of the largest: from where it surely is beyond, the chance that it is beyond each further place.
  const step = (most - mean) / FINENESS
  const from = mean
  for (let n = 0; n < FINENESS; n++) {
    const x = from + (n + 0.5) * step
    const allBelow = kinds.reduce(
      (all, kind) => all * below((x - kind.mean) / (kind.deviation || 1)) ** kind.count,
      1,
    )
    mean += (1 - allBelow) * step
  }
  return (mean * masters) / sessions
}

/** The same of record ids that are drawn. */
export function simulatedImbalance(masters: number, sessions: number, random: Random): number {
  const counts = Array.from({ length: masters }, () => 0)
  const masterOf = Uint32Array.from({ length: SLOTS })
  for (let master = 0; master < masters; master++) {
    masterOf.fill(master, slotsBefore(master, masters), slotsBefore(master + 1, masters))
  }
  for (let n = 0; n < sessions; n++) {
    let id = ''
    while (id.length < ID_LENGTH) id += ALPHABET[Math.floor(random.next() * ALPHABET.length)]!
    counts[masterOf[slotOf(id)]!]! += 1
  }
  return (Math.max(...counts) * masters) / sessions
}

/** The standard normal distribution (Abramowitz and Stegun 26.2.17, to 7.5e-8). */
function below(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(x))
  const series =
    t *
    (0.319_381_53 +
      t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))))
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series
  return x > 0 ? 1 - tail : tail
}
