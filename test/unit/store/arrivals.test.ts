import assert from 'node:assert/strict';
import { Arrivals } from '../../../src/core/store/arrivals';
import { randomNumbers } from '../../support/randomPair';

describe('Arrivals', () => {
  it('knows what is there and what is missing, in whatever order and overlap it comes', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomNumbers(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const size = 1 + below(60);
      const there = new Set<number>();
      const arrivals = new Arrivals(size, []);
      for (let i = 0; i < 12; i++) {
        const first = below(size);
        const last = Math.min(size - 1, first + below(9));
        arrivals.add({ first, last });
        for (let byte = first; byte <= last; byte++) there.add(byte);
        const gaps = arrivals.missing().flatMap(({ first, last }) => {
          return Array.from({ length: last - first + 1 }, (_, k) => first + k);
        });
        const all = Array.from({ length: size }, (_, byte) => byte);
        assert.deepEqual(
          gaps,
          all.filter((byte) => !there.has(byte)),
          `seed ${seed}`,
        );
        assert.equal(arrivals.bytes, there.size);
        assert.equal(arrivals.prefix, gaps[0] ?? size);
      }
    }
  });

  it('takes up what an earlier download noted', () => {
    const noted = [
      { first: 50, last: 99 },
      { first: 0, last: 9 },
    ];
    const arrivals = new Arrivals(120, noted);
    assert.equal(arrivals.bytes, 60);
    assert.deepEqual(arrivals.missing(), [
      { first: 10, last: 49 },
      { first: 100, last: 119 },
    ]);
  });

  it('tells who waits of each arrival', async () => {
    const arrivals = new Arrivals(10, []);
    const waiting = arrivals.next();
    arrivals.add({ first: 0, last: 4 });
    await waiting;
    assert.equal(arrivals.prefix, 5);
  });
});
