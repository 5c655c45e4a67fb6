import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../src/core/store/hashFile';
import { applyDelta } from '../src/core/transfer/applyDelta';
import { planUpload } from '../src/core/transfer/copyPlan';
import { makeDelta } from '../src/core/transfer/makeDelta';

/** Wall and processor seconds, and the peak of resident memory of the process in MiB, which includes Node's own 45. */
async function measured<T>(work: () => Promise<T>) {
  const started = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  return { result, seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6, peakMiB };
}

/** Makes one delta, applies it, and writes what both cost to stdout as JSON: in a process of its own, for the memory. */
async function run(basePath: string, targetPath: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const deltaPath = join(folder, 'delta');
  const outputPath = join(folder, 'output');
  const base = await hashFile({ path: basePath });
  try {
    const from = { path: basePath, sha256: base.sha256 };
    const make = await measured(() => makeDelta({ base: from, target: { path: targetPath }, deltaPath }));
    const { target, delta, matches } = make.result;
    const plan = planUpload({ size: target.size, base: { size: base.size, matches } });
    const apply = delta
      ? await measured(() => applyDelta({ base, delta: { path: deltaPath }, target, outputPath }))
      : null;
    const { result: _made, ...makeCost } = make;
    console.log(
      JSON.stringify({
        size: target.size,
        delta: delta?.size ?? null,
        make: makeCost,
        apply: apply && { seconds: apply.seconds, cpu: apply.cpu, peakMiB: apply.peakMiB },
        plan: { kind: plan.kind, bytesSent: plan.bytesSent, requests: plan.requests },
      }),
    );
  } finally {
    await rm(deltaPath, { force: true });
    await rm(outputPath, { force: true });
  }
}

const [basePath, targetPath, folder] = process.argv.slice(2) as [string, string, string];
void run(basePath, targetPath, folder);
