import assert from 'node:assert/strict';
import { TransferMeter } from '../../../src/extension/activity/transferMeter';

const megabyte = 1_000_000;

describe('the figures of a transfer', () => {
  it('has none before the first report', () => {
    assert.equal(new TransferMeter(0).figures(1000), null);
  });

  it('tells percent, speed and time left of a steady transfer', () => {
    const meter = new TransferMeter(0);
    for (let at = 100; at <= 10_000; at += 10) {
      meter.report({ phase: 'upload', done: at * 1000, total: 40 * megabyte }, at);
    }
    const figures = meter.figures(10_000);
    assert.equal(figures?.percent, 25);
    assert.ok(Math.abs((figures.speed ?? 0) - megabyte) < megabyte / 20, `${figures.speed}`);
    assert.ok(Math.abs((figures.secondsLeft ?? 0) - 30) < 2, `${figures.secondsLeft}`);
  });

  it('follows a line that becomes slower within some seconds, and stands still when it does', () => {
    const meter = new TransferMeter(0);
    let done = 0;
    for (let at = 100; at <= 20_000; at += 100) {
      done += at <= 10_000 ? megabyte : megabyte / 10;
      meter.report({ phase: 'download', done, total: 10_000 * megabyte }, at);
    }
    assert.ok(Math.abs((meter.figures(20_000)?.speed ?? 0) - megabyte) < megabyte / 10);
    const stalled = meter.figures(120_000)?.speed ?? Number.NaN;
    assert.ok(stalled < megabyte / 10, `${stalled}`);
  });

  it('counts into the speed only what travelled', () => {
    const meter = new TransferMeter(0);
    meter.report({ phase: 'upload', done: 30 * megabyte, total: 60 * megabyte, resumed: 30 * megabyte }, 10);
    const done = 50 * megabyte;
    const free = { resumed: 30 * megabyte, copied: 15 * megabyte };
    meter.report({ phase: 'upload', done, total: 60 * megabyte, ...free, kept: done }, 5_000);
    const figures = meter.figures(5_000);
    assert.equal(figures?.speed, megabyte);
    assert.equal(figures.secondsLeft, 10);
    assert.deepEqual([figures.copied, figures.resumed, figures.kept], [15 * megabyte, 30 * megabyte, done]);
  });

  it('is not taken in by large parts that arrive together', () => {
    const meter = new TransferMeter(0);
    meter.report({ phase: 'hash', done: 1, total: 1 }, 1_000);
    // Four parts of 8 MB at once, all 16 s: 2 MB a second.
    let done = 0;
    for (let round = 1; round <= 5; round++) {
      for (let part = 0; part < 4; part++) {
        done += 8 * megabyte;
        meter.report({ phase: 'upload', done, total: 1000 * megabyte }, 1_000 + round * 16_000 + part * 110);
        if (round < 3) continue;
        const speed = meter.figures(1_000 + round * 16_000 + part * 110)?.speed ?? 0;
        assert.ok(speed > 0.5 * megabyte && speed < 4 * megabyte, `${round} ${part}: ${speed}`);
      }
    }
    const between = meter.figures(1_000 + 5 * 16_000 + 8_000)?.speed ?? 0;
    assert.ok(between > 0.5 * megabyte && between < 4 * megabyte, `${between}`);
  });

  it('says nothing about a speed before there is one, nor across phases', () => {
    const meter = new TransferMeter(0);
    meter.report({ phase: 'hash', done: 0, total: 100 }, 0);
    assert.equal(meter.figures(100)?.speed, null);
    meter.report({ phase: 'hash', done: 100, total: 100 }, 2_000);
    meter.report({ phase: 'upload', done: 0, total: 100 }, 2_050);
    assert.equal(meter.figures(2_100)?.speed, null);
    assert.equal(meter.figures(2_100)?.percent, 0);
  });

  it('never says 100 percent before the end, and passes words on', () => {
    const meter = new TransferMeter(0);
    meter.report({ phase: 'upload', done: 999, total: 1000 }, 0);
    assert.equal(meter.figures(0)?.percent, 99);
    meter.report({ phase: 'waiting', done: 0, total: null, detail: 'for process 4711' }, 1);
    const { percent, detail } = meter.figures(1) ?? {};
    assert.deepEqual([percent, detail], [null, 'for process 4711']);
  });
});
