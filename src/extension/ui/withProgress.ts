import * as vscode from 'vscode';
import type { Monitor, Progress } from '../../core/progress';
import { editorWords } from './editorWords';
import { progressText } from './progressWords';

/** VS Code drops reports that come faster, and the bar stops. Milliseconds. */
const reportEveryMs = 200;
/** What is done by then shows nothing. Milliseconds. */
const showAfterMs = 300;

/**
 * Runs an operation with a cancellable notification that says what it is busy with, in bytes; one that ends at once shows
 * none. `abort` is what its Cancel button calls.
 */
export async function withProgress<T>(
  title: string,
  run: (monitor: Monitor) => Promise<T>,
  abort = new AbortController(),
): Promise<T> {
  let latest: Progress | undefined;
  const result = run({
    signal: abort.signal,
    onProgress: (progress) => {
      latest = progress;
    },
  });
  const settled = result.then(
    () => true,
    () => true,
  );
  const wait = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), showAfterMs));
  if (!(await Promise.race([settled, wait]))) {
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    await vscode.window.withProgress(options, async (bar, token) => {
      const cancelled = token.onCancellationRequested(() => abort.abort());
      const show = progressBar(bar);
      const report = (): void => {
        if (latest) show(latest);
      };
      report();
      const timer = setInterval(report, reportEveryMs);
      try {
        await settled;
      } finally {
        clearInterval(timer);
        cancelled.dispose();
      }
    });
  }
  return result;
}

/**
 * Shows progress on a bar that can't go back. It fills with the bytes that travel; the other phases say their share in words.
 */
function progressBar(bar: vscode.Progress<{ message?: string; increment?: number }>): (progress: Progress) => void {
  let filled = 0;
  return (progress) => {
    const { phase, done, total } = progress;
    const travels = phase === 'upload' || phase === 'download';
    const percent = travels && total ? Math.max(filled, (100 * done) / total) : filled;
    bar.report({
      message: progressText(progress, editorWords()),
      ...(percent > filled ? { increment: percent - filled } : {}),
    });
    filled = percent;
  };
}
