/** Manifests as the original tool wrote them, in each of its states. */

export const sha = (digit: string): string => digit.repeat(64);

/** State of June 2025: six fields, no trailing newline, a commit hash that never existed. */
export const originalManifest = JSON.stringify(
  [
    {
      fileName: 'test_database.sqlite',
      latestVersion: 'v1',
      history: [
        {
          version: 'v2',
          timestamp: '2025-06-30T14:02:11.123456Z',
          sha256: sha('b'),
          r2_object_key: `test_database/v2-${sha('b')}.sqlite`,
          diffFromPrevious: 'diffs/test_database.sqlite/diff-v1-to-v2.diff',
          commit: '3f1c2ab',
        },
        {
          version: 'v1',
          timestamp: '2025-06-29T09:00:00.000001Z',
          sha256: sha('a'),
          r2_object_key: `test_database/v1-${sha('a')}.sqlite`,
          diffFromPrevious: null,
          commit: 'deadbee',
        },
      ],
    },
  ],
  null,
  2,
);

/** State of July 2025: staged versions, descriptions, deletion marks. */
export const stagedManifest = `${JSON.stringify(
  [
    {
      fileName: 'energy/utopia.sqlite',
      latestVersion: 'v1',
      history: [
        {
          version: 'v2',
          timestamp: '2025-07-24T10:00:00.000000Z',
          sha256: sha('d'),
          r2_object_key: `utopia/v2-${sha('d')}.sqlite`,
          diffFromPrevious: null,
          commit: 'pending-merge',
          description: 'pending-merge',
          staging_key: `staging-uploads/${sha('d')}.sqlite`,
        },
        {
          version: 'v1',
          timestamp: '2025-07-01T10:00:00.000000Z',
          sha256: sha('c'),
          r2_object_key: `utopia/v1-${sha('c')}.sqlite`,
          diffFromPrevious: null,
          commit: 'abc1234',
          description: 'First import',
          status: 'pending-deletion',
        },
      ],
    },
    {
      fileName: 'old.sqlite',
      latestVersion: 'v1',
      status: 'pending-deletion',
      history: [
        {
          version: 'v1',
          timestamp: '2025-07-01T10:00:00.000000Z',
          sha256: sha('e'),
          r2_object_key: `old/v1-${sha('e')}.sqlite`,
          diffFromPrevious: null,
          commit: 'abc1235',
        },
      ],
    },
  ],
  null,
  2,
)}\n`;
