/**
 * Slots of a layer that changed and are not taken over yet, each once. They are
 * taken in ascending order, so that what one frame takes lies close together in
 * the buffer that it uploads.
 */
export class Backlog {
  private marked = new Uint8Array(0);
  private taken = new Int32Array(0);
  private at = 0;
  /** How many slots wait. */
  count = 0;

  /** Adds slots, all below `size`. */
  add(slots: ArrayLike<number>, size: number): void {
    if (size > this.marked.length) {
      const grown = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
      grown.set(this.marked);
      this.marked = grown;
    }
    const { marked } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      this.count += 1 - (marked[slot] as number);
      marked[slot] = 1;
    }
  }

  /** Takes at most so many; what it returns is lent until the next call. */
  take(most: number): Int32Array {
    if (this.taken.length < most) this.taken = new Int32Array(most);
    const { marked, taken } = this;
    let n = 0;
    if (this.count > 0) {
      if (this.at >= marked.length) this.at = 0;
      while (this.at < marked.length && n < most) {
        if (marked[this.at] === 1) {
          marked[this.at] = 0;
          taken[n++] = this.at;
        }
        this.at++;
      }
      this.count -= n;
    }
    return taken.subarray(0, n);
  }

  clear(): void {
    this.marked.fill(0);
    this.count = 0;
    this.at = 0;
  }
}
