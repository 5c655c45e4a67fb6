import type { PlainError } from '../plainError';
import type { FollowedFile, FollowRequest } from './followFile';
import type { ByteRange } from './objectStore';

/** To the thread that follows files; `id` says which file. */
export type FollowOrder =
  | { readonly kind: 'follow'; readonly id: number; readonly request: FollowRequest }
  /** So many bytes are there from the first on. */
  | { readonly kind: 'arrived'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'mended'; readonly id: number; readonly again: boolean }
  | { readonly kind: 'stop'; readonly id: number };

/** From the thread. After `waiting` and `damaged` it goes on with the next `arrived` and `mended`. */
export type FollowAnswer =
  | { readonly kind: 'waiting'; readonly id: number; readonly read: number }
  | { readonly kind: 'damaged'; readonly id: number; readonly range: ByteRange }
  | { readonly kind: 'followed'; readonly id: number; readonly followed: FollowedFile }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError };
