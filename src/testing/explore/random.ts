/**
 * Numbers that look random and are the same for the same seed: a multiply-with-carry generator (Marsaglia, 2003), which
 * is enough for choosing between a few things.
 *
 * @returns a function that gives a whole number from 0 to below `count`
 */
export function randomFrom(seed: number): (count: number) => number {
  let value = (seed ^ 0x9e37_79b9) >>> 0;
  let carry = 362_436;
  return (count) => {
    const product = value * 36_969 + carry;
    value = product % 0x1_0000_0000;
    carry = Math.floor(product / 0x1_0000_0000);
    // The upper bits are the better ones.
    return Math.floor((value / 0x1_0000_0000) * count);
  };
}
