import { randomNumbers } from './randomPair';

/** Two file contents, made from nothing but a seed. */
export interface FilePair {
  readonly base: Buffer;
  readonly target: Buffer;
  /** What was done, to be read when a pair fails. */
  readonly story: readonly string[];
}

const pageSizes = [512, 1024, 2048, 4096, 4096, 8192, 16384, 32768, 65536];
const kinds = ['database', 'database', 'text', 'noise', 'pattern', 'zeros'] as const;
const edits = [
  'overwrite',
  'overwrite',
  'insert',
  'delete',
  'append',
  'truncate',
  'shuffle',
  'move',
  'repeat',
] as const;

/** A pair of files of some kind, up to about 600 KB each, the second made from the first by up to four edits. */
export function filePair(seed: number): FilePair {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const noise = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => below(256)));

  const kind = pick(kinds);
  const pageSize = pick(pageSizes);
  const size = pick([0, 1, 99, 100, below(3000), below(60_000), below(300_000), below(10) * pageSize]);
  const story = [`${kind} of ${size} bytes, pages of ${pageSize}`];

  const make = (): Buffer => {
    if (kind === 'zeros') return Buffer.alloc(size);
    if (kind === 'pattern') return Buffer.alloc(size, noise(1 + below(70)));
    if (kind === 'text') {
      const lines: string[] = [];
      for (let length = 0; length < size; length += (lines.at(-1) as string).length) {
        lines.push(`${lines.length},region${below(40)},${2000 + below(50)},${random().toFixed(6)}\n`);
      }
      return Buffer.from(lines.join('')).subarray(0, size);
    }
    const bytes = noise(size);
    if (kind === 'database' && size >= 100) {
      bytes.write('SQLite format 3\0', 'latin1');
      bytes.writeUInt16BE(pageSize === 65536 ? 1 : pageSize, 16);
      bytes[20] = 0;
    }
    return bytes;
  };

  const edit = (bytes: Buffer): Buffer => {
    const what = pick(edits);
    const at = below(bytes.length + 1);
    const length = Math.min(bytes.length - at, pick([1, 7, 100, 5000, 100_000]));
    story.push(`${what} ${length} at ${at}`);
    const [before, there, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    switch (what) {
      case 'overwrite': {
        const copy = Buffer.from(bytes);
        for (let count = 1 + below(50); count > 0 && copy.length > 0; count--) copy[below(copy.length)] = below(256);
        return copy;
      }
      case 'insert':
        return Buffer.concat([before, noise(pick([1, 50, 4096, 20_000])), there, after]);
      case 'delete':
        return Buffer.concat([before, after]);
      case 'append':
        return Buffer.concat([bytes, noise(below(20_000))]);
      case 'truncate':
        return Buffer.from(before);
      case 'repeat':
        return Buffer.concat([bytes, there]);
      case 'move': {
        const to = below(before.length + 1);
        return Buffer.concat([before.subarray(0, to), there, before.subarray(to), after]);
      }
      case 'shuffle': {
        const pages = Array.from({ length: Math.ceil(bytes.length / pageSize) }, (_, i) =>
          bytes.subarray(i * pageSize, (i + 1) * pageSize),
        );
        for (let i = pages.length - 1; i > 1; i--) {
          const j = 1 + below(i);
          [pages[i], pages[j]] = [pages[j] as Buffer, pages[i] as Buffer];
        }
        return Buffer.concat(pages);
      }
    }
  };

  const base = make();
  let target: Buffer = Buffer.from(base);
  for (let count = below(5); count > 0; count--) target = edit(target);
  return { base, target, story };
}
