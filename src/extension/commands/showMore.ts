import type { Services } from '../services';
import { rowOf } from './subject';

/** Shows the next page below a "Show more" row. */
export async function showMore({ datasets, history }: Services, argument: unknown): Promise<void> {
  const row = rowOf(argument);
  if (row?.kind === 'more') datasets.showMore(row);
  if (row?.kind === 'moreCommits') history.showMore(row);
}
