import type { Monitor } from '../../core/progress';
import { withProgress } from '../ui/withProgress';
import type { ActivityList, ActivityTask } from './activityList';

/** Runs something long as a row of the Activity view, and with a notification that can cancel it too. */
export function runActivity<T>(
  activities: ActivityList,
  task: ActivityTask<T>,
  work: (monitor: Monitor) => Promise<T>,
): Promise<T> {
  return activities.run(task, (row, abort) =>
    withProgress(
      task.title,
      ({ signal, onProgress }) =>
        work({
          signal,
          onProgress: (progress) => {
            row.onProgress?.(progress);
            onProgress?.(progress);
          },
        }),
      abort,
    ),
  );
}
