/**
 * What is done on a disk: `make` makes a directory or a link, and `set` changes the size or attributes of a file.
 *
 * @since 0.1.0
 * @category models
 */
export type DiskOperation =
  | "list"
  | "make"
  | "open"
  | "read"
  | "remove"
  | "rename"
  | "set"
  | "stat"
  | "sync"
  | "write"
