/** Where a repository's objects live, as its settings file says it. Never holds a secret. */
export type StoreSettings = FolderStoreSettings | S3StoreSettings;

export interface FolderStoreSettings {
  readonly type: 'folder';
  /** Absolute, or relative to the repository. */
  readonly path: string;
}

export interface S3StoreSettings {
  readonly type: 's3';
  /** Such as `https://ACCOUNT.r2.cloudflarestorage.com`. */
  readonly endpoint: string;
  readonly bucket: string;
  /** `auto` unless given; an amazonaws.com endpoint names its own. */
  readonly region?: string;
  /** Put before every key, with a `/` between. */
  readonly prefix?: string;
}

/** What opens a bucket. Lives in memory, in the environment or in a secret store; never in a file of the repository. */
export interface StoreCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
