import assert from 'node:assert/strict';
import { DataManagerError } from '../../../src/core/errors';
import { askedPause, pause, withRetry } from '../../../src/core/store/retry';

const quick = { attempts: 3, baseMs: 1, capMs: 2 };

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

describe('retry', () => {
  it('reads a Retry-After of seconds, of a date, and of neither', () => {
    const now = Date.parse('2026-11-26T12:00:00Z');
    assert.equal(askedPause('3', now), 3000);
    assert.equal(askedPause(' 0 ', now), 0);
    assert.equal(askedPause('Thu, 26 Nov 2026 12:00:07 GMT', now), 7000);
    assert.equal(askedPause('Thu, 26 Nov 2026 11:00:00 GMT', now), 0);
    for (const nothing of [undefined, '', 'soon', '-5', '1e9 s']) assert.equal(askedPause(nothing, now), 0, nothing);
  });

  it('leaves a server alone for as long as it asks', async () => {
    let tries = 0;
    const run = () => (++tries < 3 ? Promise.reject(new Error('busy')) : Promise.resolve());
    const policy = { attempts: 3, baseMs: 1, capMs: 100 };
    const took = await timed(() => withRetry(run, { policy, isTransient: () => true, retryAfter: () => '0.06' }));
    assert.ok(took < 60, `${took} ms, though that is no whole number of seconds`);
    tries = 0;
    const asked = await timed(() =>
      withRetry(run, { policy, isTransient: () => true, retryAfter: () => (tries === 1 ? '1' : undefined) }),
    );
    assert.ok(asked >= 595 && asked < 1000, `${asked} ms instead of 600, six times the longest pause of our own`);
  });

  it('does not wait for days because a server says so', async () => {
    const took = await timed(() => pause(1, quick, undefined, 7 * 24 * 3600 * 1000));
    assert.ok(took < 200, `${took} ms`);
  });

  it('ends a long pause at once when it is cancelled', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const policy = { attempts: 3, baseMs: 1, capMs: 10_000 };
    const took = await timed(() =>
      assert.rejects(pause(1, policy, stop.signal, 30_000), (error) => DataManagerError.is(error, 'CANCELLED')),
    );
    assert.ok(took < 300, `${took} ms`);
  });
});
