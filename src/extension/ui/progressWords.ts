import type { Phase, Progress } from '../../core/progress';
import { oneLine } from './plainText';
import { formatBytes } from './quantities';
import type { Words } from './words';

/** `uploading (41 MB of 92 MB, 44 %)`, `waiting for process 4711, which publishes utopia.sqlite since 3 s`. */
export function progressText({ phase, done, total, detail }: Progress, words: Words): string {
  const said = phaseWords(phase, words);
  if (detail !== undefined) return `${said} ${oneLine(detail)}`;
  if (total === null) return done > 0 ? `${said} (${formatBytes(done)})` : said;
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return words.l10n.t('{0} ({1} of {2}, {3} %)', said, formatBytes(done), formatBytes(total), percent);
}

/** What an operation is busy with. */
export function phaseWords(phase: Phase, { l10n }: Words): string {
  switch (phase) {
    case 'hash':
      return l10n.t('checking the file');
    case 'download':
      return l10n.t('downloading');
    case 'compare':
      return l10n.t('comparing rows');
    case 'upload':
      return l10n.t('uploading');
    case 'commit':
      return l10n.t('committing');
    case 'push':
      return l10n.t('talking to the remote');
    case 'waiting':
      return l10n.t('waiting');
  }
}
