import { join } from 'node:path';
import type { Repository } from '../repo/repository';

/**
 * Where uploads that broke off are noted: beside what Git keeps, shared by linked worktrees.
 *
 * @example
 * const notes = uploadNotes(uploadsFolder(repository), subject, Date.now);
 */
export function uploadsFolder(repository: Repository): string {
  return join(repository.commonDir, 'datamanager', 'uploads');
}
