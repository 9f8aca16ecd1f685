/** What a ledger keeps: the latest version of a thing. */
export interface Version {
  id: string;
  /** The greater is the newer. */
  sequence: number;
}

/**
 * The latest versions of open things, as the server tells them one by one. At
 * most `most` are held: those that the order puts last are forgotten, but counted
 * by whoever counts on the server.
 */
export class Ledger<T extends Version> {
  private readonly byId = new Map<string, T>();

  constructor(
    private readonly ended: (item: T) => boolean,
    private readonly compare: (a: T, b: T) => number,
    /** What is held of a newer version, given the one before. */
    private readonly succeed: (held: T, next: T) => T = (_, next) => next,
    private readonly most = 2000,
    /** Whether a newer version is news as if the thing had come to be. */
    private readonly renewed: (held: T, next: T) => boolean = () => false,
  ) {}

  /**
   * Takes versions in any order.
   * @param whole they are all that there is: what is not among them is gone
   * @returns those that came to be, which were not held before, or are news again
   */
  take(items: readonly T[], whole = false): T[] {
    const before = new Set(this.byId.keys());
    if (whole) {
      const named = new Set(items.map(({ id }) => id));
      for (const id of before) if (!named.has(id)) this.byId.delete(id);
    }
    const news = new Set<string>();
    for (const item of items) {
      const held = this.byId.get(item.id);
      if (held && held.sequence > item.sequence) continue;
      if (this.ended(item)) this.byId.delete(item.id);
      else {
        this.byId.set(item.id, held ? this.succeed(held, item) : item);
        if (!before.has(item.id) || (held && this.renewed(held, item))) news.add(item.id);
      }
    }
    if (this.byId.size > this.most) for (const { id } of this.list().slice(this.most)) this.byId.delete(id);
    return [...news].map(id => this.byId.get(id)).filter(item => item !== undefined);
  }

  get(id: string): T | undefined {
    return this.byId.get(id);
  }

  /** In their order. */
  list(): T[] {
    return [...this.byId.values()].sort(this.compare);
  }
}
