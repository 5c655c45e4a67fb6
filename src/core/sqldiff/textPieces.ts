const PIECE_CHARACTERS = 64 * 1024;

/** Gathers short texts into pieces of about 64 KiB, so that each costs one message between threads. */
export class TextPieces {
  private waiting: string[] = [];
  private length = 0;

  /**
   * @example
   * const out = new TextPieces(onText);
   * out.line('BEGIN;');
   * out.flush();
   */
  constructor(private readonly onText: (piece: string) => void) {}

  line(text: string): void {
    this.waiting.push(text, '\n');
    this.length += text.length + 1;
    if (this.length >= PIECE_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.length > 0) this.onText(this.waiting.join(''));
    this.waiting = [];
    this.length = 0;
  }
}
