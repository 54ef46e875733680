/** Four words of 32 bits. */
export type Words = [number, number, number, number]

/** Philox4x32-10, straight from the paper. */
export function philox([c0, c1, c2, c3]: Words, [key0, key1]: [number, number]): Words {
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * BigInt(c0)
    const p1 = 0xcd9e8d57n * BigInt(c2)
    const high = (p: bigint) => Number(p >> 32n)
    const low = (p: bigint) => Number(p & 0xffffffffn)
    const next = [high(p1) ^ c1 ^ key0, low(p1), high(p0) ^ c3 ^ key1, low(p0)]
    ;[c0, c1, c2, c3] = next.map((v) => v >>> 0) as Words
    key0 = (key0 + 0x9e3779b9) >>> 0
    key1 = (key1 + 0xbb67ae85) >>> 0
  }
  return [c0, c1, c2, c3]
}
