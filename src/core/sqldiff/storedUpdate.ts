import type { ColumnMapping } from './columnMapping';
import type { Row } from './model';
import type { RowDecoder } from './rowDecoder';

/**
 * An update whose rows are still in their pages: only what is asked for is decoded. It holds until the next event of the
 * comparison is asked for; one object serves all updates of a table.
 */
export class StoredUpdate {
  readonly kind = 'update';

  constructor(
    readonly mapping: ColumnMapping,
    readonly older: RowDecoder,
    readonly newer: RowDecoder,
  ) {}

  get before(): Row {
    return this.older.row();
  }

  get after(): Row {
    return this.mapping.rowAfter(this.older.row());
  }
}
