import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** Rows of one height that fit into a room, one at least; all while nothing is drawn. Pixels. */
export function rowsThatFit(room: number, row: number, gap: number): number {
  if (room <= 0 || row <= 0) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((room + gap + rounding) / (row + gap)));
}

/** Rows that fit of so many, where the last sums up the others if not all do, and then has no bar. Pixels. */
export function classesThatFit(count: number, room: number, row: number, bar: number, gap: number): number {
  const whole = rowsThatFit(room, row, gap);
  return count <= whole ? whole : Math.min(count - 1, rowsThatFit(room + bar, row, gap));
}

/**
 * The height at which a list ends with a whole row: all rows where they fit, else
 * as many as do; of a first row that is too tall, what there is. Pixels.
 */
export function wholeHeight(rows: readonly number[], gap: number, room: number): number {
  let height = 0;
  for (const [i, row] of rows.entries()) {
    const next = height + row + (i > 0 ? gap : 0);
    if (next > room + rounding) return height || room;
    height = next;
  }
  return room;
}

const rounding = 0.5; // px: screens round lengths

/** Measures a list when it is drawn, and when its parent or one of its rows gets another size. */
export function useMeasured<T extends HTMLElement>(measure: (list: T) => void): RefObject<T | null> {
  const list = useRef<T>(null);
  const latest = useRef(measure);
  latest.current = measure;
  // After every drawing: the rows may be others.
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const again = () => latest.current(element);
    again();
    let frame = 0;
    // In the next frame: what is measured may give other elements another size.
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(again);
    });
    observer.observe(element.parentElement ?? element);
    for (const row of element.children) observer.observe(row);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  });
  return list;
}

/** A list that ends with a whole row in the room its parent has. */
export function useWholeRows(): RefObject<HTMLOListElement | null> {
  return useMeasured<HTMLOListElement>(list => {
    const rows = [...list.children].map(row => row.getBoundingClientRect().height);
    const room = list.parentElement?.clientHeight ?? 0;
    list.style.maxHeight = `${wholeHeight(rows, gapOf(list), room)}px`;
  });
}

/**
 * A list that ends with a whole row in a card that ends with the list: what the
 * card's share of its column leaves over is for the card below. Where all rows
 * fit, the card has its share, as the style sheet says.
 *
 * @param share of the column that the card may have at most, 0 to 1; undefined:
 * the card below needs none
 */
export function useWholeCard(share: number | undefined): RefObject<HTMLOListElement | null> {
  return useMeasured<HTMLOListElement>(list => {
    const room = list.parentElement;
    const card = room?.parentElement;
    const column = card?.parentElement;
    if (!room || !card || !column) return;
    const rows = [...list.children].map(row => row.getBoundingClientRect().height);
    const around = card.offsetHeight - room.clientHeight; // whatever the card's height
    const shared = share !== undefined;
    const most = shared ? (column.clientHeight - gapOf(column)) * share - around : room.clientHeight;
    const height = wholeHeight(rows, gapOf(list), most);
    card.style.flex = shared && height < most ? `0 0 ${around + height}px` : '';
    list.style.maxHeight = `${height}px`;
  });
}

/** Between rows, in pixels. */
export function gapOf(list: HTMLElement): number {
  return Number.parseFloat(getComputedStyle(list).rowGap) || 0;
}
