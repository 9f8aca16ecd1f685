/** Clicks that follow each other within this are a double click; ms. */
export const doubleClickTime = 400;

/** What is asked of a click: when it happened, ms of the page's clock. */
type Click = Pick<MouseEvent, 'timeStamp'>;

/**
 * Knows the second of two clicks of which the first ended a figure: it is part of
 * the ending and picks nothing.
 */
export class SecondClick {
  private endedAt = Number.NEGATIVE_INFINITY;

  /** A figure was ended. */
  ended(now = performance.now()): void {
    this.endedAt = now;
  }

  /** By when it was clicked, however busy the page was since. */
  is({ timeStamp }: Click): boolean {
    return timeStamp - this.endedAt < doubleClickTime;
  }
}
