import type { Mesh } from 'three';
import type { FlatModel } from './flatten';
import type { FeatureIds } from './ids';

/** A content as it is drawn. */
export interface Model extends FlatModel {
  ids: FeatureIds | undefined;
}

/**
 * The contents that are in use, by address. An address names a revision, so what has been read once is never
 * read again while somebody shows it: after an edit only the contents that changed are fetched and parsed.
 */
export class Shelf {
  private readonly models = new Map<string, { model: Model; users: number }>();

  has(url: string): boolean {
    return this.models.has(url);
  }

  /** Takes a model into use; make is called where nobody uses it yet. */
  take(url: string, make: () => Model | undefined): Model | undefined {
    let entry = this.models.get(url);
    if (!entry) {
      const model = make();
      if (!model) return undefined;
      entry = { model, users: 0 };
      this.models.set(url, entry);
    }
    entry.users++;
    return entry.model;
  }

  /** Ends a use; the last one frees the model's memory. */
  give(url: string): void {
    const entry = this.models.get(url);
    if (!entry) return;
    entry.users--;
    if (entry.users > 0) return;
    this.models.delete(url);
    for (const mesh of entry.model.group.children) (mesh as Mesh).geometry.dispose();
  }
}
