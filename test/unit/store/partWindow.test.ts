import assert from 'node:assert/strict';
import { PartWindow } from '../../../src/core/store/partWindow';

const MIB = 1 << 20;

describe('PartWindow', () => {
  /** A line that takes `parts` parts a second, whatever the window, and a clock that goes by it. */
  function transfer(window: PartWindow, clock: { now: number }, parts: number, perSecond: (limit: number) => number) {
    for (let i = 0; i < parts; i++) {
      clock.now += 1000 / perSecond(window.limit);
      window.confirmed();
    }
  }

  it('opens while that makes the transfer faster, and no further', () => {
    const clock = { now: 0 };
    const window = new PartWindow(5 * MIB, () => clock.now);
    assert.equal(window.limit, 4);
    transfer(window, clock, 1000, (limit) => Math.min(limit, 9));
    assert.ok(window.limit >= 9 && window.limit <= 11, `${window.limit} parts at once where 9 fill the line`);
  });

  it('stays within its bounds: at least two parts, at most sixteen and 80 MiB', () => {
    const clock = { now: 0 };
    for (const [partBytes, most] of [
      [MIB, 16],
      [8 * MIB, 10],
      [50 * MIB, 2],
    ] as const) {
      const window = new PartWindow(partBytes, () => clock.now);
      transfer(window, clock, 2000, (limit) => limit);
      assert.equal(window.limit, most);
      for (let i = 0; i < 10; i++) window.slowedDown();
      assert.equal(window.limit, 2);
    }
  });

  it('halves when it is asked to slow down, and opens again later', () => {
    const clock = { now: 0 };
    const window = new PartWindow(MIB, () => clock.now);
    transfer(window, clock, 2000, (limit) => limit);
    window.slowedDown();
    assert.equal(window.limit, 8);
    transfer(window, clock, 2000, (limit) => limit);
    assert.equal(window.limit, 16);
  });
});
