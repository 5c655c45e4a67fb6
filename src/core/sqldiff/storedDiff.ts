import { DataManagerError } from '../errors';
import type { EventWriter } from './eventWriter';
import { SummaryWriter } from './eventWriter';
import type { DiffEvent } from './model';
import type { PatchSchemas } from './patchSql';
import { PatchWriter } from './patchSql';
import { oneLine, summaryLine } from './summaryText';

export interface StoredLimits {
  readonly maxLines: number;
  /** Of UTF-8. */
  readonly maxBytes: number;
}

/**
 * Writes the text of a stored `.diff` file: a first line with the format's version, counts as SQL comments, then the patch
 * while the whole stays within the limits, else a line that says so.
 */
export class StoredWriter implements EventWriter {
  private readonly summary = new SummaryWriter();
  private readonly patch: PatchWriter;
  /** Why there is no patch. */
  private obstacle: string | null = null;
  private statements: string[] = [];
  private lines = 0;
  private bytes = 0;
  private tooLong = false;

  /**
   * @example
   * const writer = new StoredWriter({ before: 'a@v1', after: 'a@v2' }, { maxLines: 2000, maxBytes: 2 ** 20 }, schemas);
   */
  constructor(
    private readonly labels: { readonly before: string; readonly after: string },
    private readonly limits: StoredLimits,
    schemas: PatchSchemas,
  ) {
    this.patch = new PatchWriter(schemas, (statement) => this.keep(statement));
  }

  add(event: DiffEvent): void {
    this.summary.add(event);
    if (!this.tooLong && this.obstacle === null) this.addToPatch(event);
  }

  end(): void {
    if (!this.tooLong && this.obstacle === null) this.patch.end();
  }

  /** The whole text, and whether the patch is in it. Call it after `end`. */
  stored(): { readonly text: string; readonly complete: boolean } {
    const summary = this.summary.summary();
    const head = [`-- Data Manager diff 1: ${oneLine(this.labels.before)} -> ${oneLine(this.labels.after)}`];
    for (const change of summary.schema) {
      const state = change.before === null ? 'new' : change.after === null ? 'dropped' : 'changed';
      head.push(`-- schema: ${state} ${change.type} ${oneLine(change.name)}`);
    }
    for (const table of summary.tables) head.push(`-- ${summaryLine(table)}`);
    if (summary.identical) head.push('-- no logical change');
    const headBytes = Buffer.byteLength(head.join('\n')) + 1;
    const fits = head.length + this.lines <= this.limits.maxLines && headBytes + this.bytes <= this.limits.maxBytes;
    const complete = this.obstacle === null && !this.tooLong && (fits || summary.identical);
    if (this.obstacle !== null) head.push(`-- no patch: ${oneLine(this.obstacle)}`);
    else if (!complete) head.push('-- the patch is too long to be stored; compare the two versions to see it');
    return { text: `${[...head, ...(complete ? this.statements : [])].join('\n')}\n`, complete };
  }

  /** Summary and publishing go on where no patch can be made. */
  private addToPatch(event: DiffEvent): void {
    try {
      this.patch.add(event);
    } catch (error) {
      if (!DataManagerError.is(error, 'DIFF_UNSUPPORTED')) throw error;
      this.obstacle = error.message;
    }
  }

  private keep(statement: string): void {
    if (this.tooLong) return;
    this.lines += statement.split('\n').length;
    this.bytes += Buffer.byteLength(statement) + 1;
    this.tooLong = this.lines > this.limits.maxLines || this.bytes > this.limits.maxBytes;
    if (this.tooLong) this.statements = [];
    else this.statements.push(statement);
  }
}
