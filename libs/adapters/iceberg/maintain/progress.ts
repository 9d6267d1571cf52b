import type { MaintenanceOptions } from '@k2/ports';

/** Counts what a task has done of what it planned, and tells its caller each time. */
export class Progress {
  private readonly tell: NonNullable<MaintenanceOptions['progress']>;
  private readonly totalFiles: number;
  private readonly totalBytes: number;
  private doneFiles = 0;
  private doneBytes = 0;

  constructor(tell: MaintenanceOptions['progress'], totalFiles: number, totalBytes: number) {
    this.tell = tell ?? (() => {});
    this.totalFiles = totalFiles;
    this.totalBytes = totalBytes;
    if (totalFiles > 0) this.add(0, 0);
  }

  add(files: number, bytes: number): void {
    this.doneFiles += files;
    this.doneBytes += bytes;
    const { doneFiles, totalFiles, doneBytes, totalBytes } = this;
    this.tell({ doneFiles, totalFiles, doneBytes, totalBytes });
  }
}
