import type { OnProgress, Phase, Progress } from '../../core/progress';
import { fitted } from './displayWidth';
import { humanSize } from './sizes';

const words: Readonly<Record<Phase, string>> = {
  hash: 'Hashing',
  download: 'Downloading',
  compare: 'Comparing',
  upload: 'Uploading',
  commit: 'Committing',
  push: 'Talking to the remote',
  waiting: 'Waiting',
};
const intervalMs = 100;

export interface ProgressLine {
  readonly onProgress: OnProgress | undefined;
  /** Takes the line off the terminal; call it before anything else is written there. */
  clear(): void;
}

/** One line on a terminal that is overwritten, at most ten times a second; nothing at all on anything else. */
export function progressLine(stream: NodeJS.WriteStream, enabled: boolean, now: () => number = Date.now): ProgressLine {
  if (!enabled || !stream.isTTY) return { onProgress: undefined, clear: () => undefined };
  let phase: { readonly name: Phase; readonly startedMs: number } | null = null;
  let shownMs = Number.NEGATIVE_INFINITY;
  let visible = false;
  return {
    onProgress: (progress) => {
      const time = now();
      const changed = progress.phase !== phase?.name;
      if (changed || !phase) phase = { name: progress.phase, startedMs: time };
      if (!changed && time - shownMs < intervalMs) return;
      shownMs = time;
      visible = true;
      const text = progressText(progress, (time - phase.startedMs) / 1000);
      stream.write(`\r\x1b[K${fitted(text, Math.max(20, (stream.columns || 80) - 1))}`);
    },
    clear: () => {
      if (visible) stream.write('\r\x1b[K');
      visible = false;
    },
  };
}

/** `Uploading 12.0 MiB of 48.0 MiB (25 %), 2.0 MiB were there already, 5.0 MiB/s`. */
export function progressText(
  { phase, done, total, detail, resumed = 0, copied = 0 }: Progress,
  seconds: number,
): string {
  if (detail !== undefined) return `${words[phase]} ${detail}`;
  if (total === null && done === 0) return `${words[phase]} ...`;
  const amount =
    total === null
      ? humanSize(done)
      : `${humanSize(done)} of ${humanSize(total)} (${total === 0 ? 100 : Math.floor((done / total) * 100)} %)`;
  // A speed over less than half a second is noise.
  const moved = done - resumed - copied;
  const speed = seconds >= 0.5 && moved > 0 ? `, ${humanSize(Math.round(moved / seconds))}/s` : '';
  const before = resumed > 0 ? `, ${humanSize(resumed)} were there already` : '';
  return `${words[phase]} ${amount}${before}${speed}`;
}
